// As much of a browser as the page of a language model uses.
class Element {
  constructor() {
    Object.assign(this, { nodes: [], attributes: {}, listeners: {}, dataset: {}, value: "" });
    const set = (name, value) => this.setAttribute(name, value);
    this.style = { setProperty: set, getPropertyValue: (name) => this.getAttribute(name) };
  }
  get children() { return this.nodes.filter((node) => node instanceof Element); }
  get textContent() { return this.nodes.map((node) => node.textContent ?? node).join(""); }
  set textContent(text) { this.nodes = [String(text)]; }
  append(...nodes) { this.nodes.push(...nodes); }
  replaceChildren(...nodes) { this.nodes = nodes; }
  querySelector(tag) { return this.children.find((child) => child.tag === tag); }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  getAttribute(name) { return this.attributes[name]; }
  addEventListener(type, listener) { this.listeners[type] = listener; }
  click() { this.listeners.click({}); }
  getContext() {
    return {
      createImageData: (width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }),
      putImageData: (image) => { this.image = image; },
      getImageData: () => this.image,
    };
  }
}

const elements = {};
const document = {
  createElement: (tag) => Object.assign(new Element(), { tag }),
  getElementById: (id) => (elements[id] ??= new Element()),
};

// Returns whether the page left the key to the browser.
function pressKey(key, shiftKey) {
  let isLeft = true;
  const { listeners } = document.getElementById("search");
  listeners.keydown({ key, shiftKey, preventDefault: () => { isLeft = false; } });
  return isLeft;
}

function typeText(text) {
  const search = document.getElementById("search");
  search.value += text;
  search.listeners.input({});
}

const location = { hash: "" };
function URLSearchParams(text) {
  const fields = new Map(text.split("&").map((field) => field.split("=")));
  this.get = (name) => fields.has(name) ? decodeURIComponent(fields.get(name)) : null;
}

function atob(text) {
  const signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const bits = (sign) => signs.indexOf(sign).toString(2).padStart(6, "0");
  const all = [...text.replace(/=+$/, "")].map(bits).join("");
  return all.match(/.{8}/g).map((byte) => String.fromCharCode(parseInt(byte, 2))).join("");
}
