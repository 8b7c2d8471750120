// The page. Text comes into it by textContent and attributes alone.
const data = JSON.parse(document.getElementById("model").textContent);
const model = languageModel(data);
const ids = ["search", "completions", "status", "next", "states", "unrolled"];
const [input, list, status, bars, states, unrolled] = ids.map((id) => document.getElementById(id));
const [COLD, WARM] = [[33, 113, 181], [217, 95, 2]];
const path = [{ token: "start", ...model.begin() }]; // what is known behind each character
let [completions, active, isOpen] = [[], 0, false];

function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content); // strings become text
  return element;
}

function percent(p) {
  const text = p.toLocaleString("en", { style: "percent", maximumSignificantDigits: 2 });
  return make("span", "percent", p < 1e-6 ? "< 0.0001%" : text);
}

function nameOf(token) {
  if (/\p{M}/u.test(token)) return `◌${token}`;
  const code = token.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return /[\p{C}\p{Z}]/u.test(token) ? `U+${code}` : token;
}

function sign(token, isEdge) {
  return make("span", isEdge ? "token edge" : "token", isEdge ? token : nameOf(token));
}

function ranked(logProba) {
  const order = logProba.map((_, i) => i).sort((a, b) => logProba[b] - logProba[a]);
  const nameAt = (i) => sign(data.tokens[i] ?? "end", !(i in data.tokens));
  return order.map((i) => [nameAt(i), Math.exp(logProba[i])]);
}

function heatMap(values, layer) {
  const canvas = make("canvas");
  canvas.width = Math.ceil(Math.sqrt(values.length));
  canvas.height = Math.ceil(values.length / canvas.width);
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const largest = data.activation === "tanh" ? 1 : Math.max(...values) || 1;
  const paint = (h) => [...(h < 0 ? COLD : WARM), 255 * Math.abs(h) / largest];
  image.data.set([...values].flatMap(paint));
  context.putImageData(image, 0, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `state of layer ${layer + 1}, ${values.length} units`);
  return canvas;
}

function problemOf(tokens) {
  const strange = tokens.find((token) => !model.knows(token));
  if (strange && data.refuses_unknown) return `The model does not know “${nameOf(strange)}”.`;
  return data.start || tokens.length ? "" : "The model needs a first character.";
}

function readTo(tokens) {
  let kept = 0;
  while (kept < tokens.length && path[kept + 1]?.token === tokens[kept]) kept++;
  path.length = kept + 1;
  for (const token of tokens.slice(kept)) path.push({ token, ...model.read(token, path.at(-1)) });
}

function optionOf({ total, tail }, i) {
  const text = make("span", "text", input.value, make("b", "", tail));
  const option = make("li", "", text, percent(Math.exp(total)));
  text.dir = "auto";
  option.id = `option-${i}`;
  option.dataset.logProba = total;
  option.setAttribute("role", "option");
  option.addEventListener("mousedown", (event) => event.preventDefault()); // keep focus
  option.addEventListener("click", () => write(input.value + tail));
  return option;
}

function showList() {
  const isShown = isOpen && completions.length > 0;
  list.hidden = !isShown;
  input.setAttribute("aria-expanded", isShown);
  input.setAttribute("aria-activedescendant", isShown ? `option-${active}` : "");
  [...list.children].forEach((option, i) => option.setAttribute("aria-selected", i === active));
}

function showNext(logProba) {
  const best = ranked(logProba).slice(0, 12);
  // Rows are kept, so that bars move to their new lengths.
  while (bars.children.length < best.length) bars.append(make("li", "", make("i")));
  [...bars.children].forEach((row, i) => {
    const [bar, [token, p]] = [row.querySelector("i"), best[i] ?? ["", 0]];
    bar.style.setProperty("--p", p);
    row.replaceChildren(token, bar, percent(p));
  });
}

function showStates() {
  states.replaceChildren(...path.at(-1).state.map(heatMap));
  unrolled.replaceChildren(...path.filter(({ logProba }) => logProba).map((reading) => {
    const [[token, p]] = ranked(reading.logProba);
    const cells = make("div", "cells", ...reading.state.map(heatMap).reverse());
    const from = sign(reading.token, reading === path[0]);
    const up = () => make("b", "", "↑");
    return make("li", "", percent(p), token, up(), cells, up(), from);
  }));
  unrolled.scrollLeft = unrolled.scrollWidth;
}

function update(willOpen) {
  const tokens = [...input.value];
  const problem = problemOf(tokens);
  readTo(problem ? [] : tokens);
  completions = problem ? [] : model.complete(tokens, path.at(-1));
  [active, isOpen] = [0, willOpen];
  list.replaceChildren(...completions.map(optionOf));
  const first = completions.length ? `, first ${input.value}${completions[0].tail}` : "";
  status.textContent = problem || `completions: ${completions.length}${first}`;
  showList();
  showNext(path.at(-1).logProba ?? []);
  showStates();
}

function write(text) {
  input.value = text;
  update(false);
}

function press(event) {
  const [isShown, n] = [isOpen && completions.length > 0, completions.length];
  if (event.isComposing || event.shiftKey) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (isShown) active = (active + (event.key === "ArrowDown" ? 1 : n - 1)) % n;
    isOpen = true;
  } else if (event.key === "Escape") write(isShown ? input.value : "");
  else if (isShown && (event.key === "Enter" || event.key === "Tab"))
    write(input.value + completions[active].tail);
  else return;
  event.preventDefault();
  showList();
}

input.addEventListener("keydown", press);
input.addEventListener("input", () => update(true));
input.value = new URLSearchParams(location.hash.slice(1)).get("q") ?? "";
update(input.value !== "");
