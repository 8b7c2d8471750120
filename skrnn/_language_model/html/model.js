"use strict";

// The language model of Python, token numbers and all: its arrays, its order of search.
function languageModel(data) {
  const bytes = Uint8Array.from(atob(data.weights), (sign) => sign.charCodeAt(0));
  const weights = new Float32Array(bytes.buffer);
  let used = 0;
  const matrix = (rows, columns) => {
    used += rows * columns;
    return weights.subarray(used - rows * columns, used);
  };
  let width = data.n_features;
  const layers = data.layers.map((size) => {
    const layer = [matrix(width, size), matrix(size, size), matrix(1, size)];
    width = size;
    return layer;
  });
  const [outputCoef, outputBias] = [matrix(width, data.n_classes), matrix(1, data.n_classes)];
  const shares = data.log_shares.map((share) => share ?? -Infinity);
  const activate = data.activation === "tanh" ? Math.tanh : (a) => Math.max(a, 0);
  const numbers = new Map(data.tokens.map((token, number) => [token, number]));
  const [start, unknown] = [data.tokens.length, data.tokens.length + 1];
  const vocabulary = data.vocabulary && trieOf(data.vocabulary);

  function trieOf(entries) {
    const root = { children: new Map() };
    for (const entry of entries) {
      let node = root;
      for (const token of entry) {
        if (!node.children.has(token)) node.children.set(token, { children: new Map() });
        node = node.children.get(token);
      }
      node.isEntry = true;
    }
    return root;
  }

  function addRow(sum, factor, coef, row) {
    for (let j = 0, i = row * sum.length; j < sum.length; j++) sum[j] += factor * coef[i++];
  }

  // What is known behind one more token: h = f(x W_xh + h W_hh + b_h), layer by layer.
  function after(number, { state, recent }) {
    let below = null;
    const next = layers.map(([input, recurrent, bias], i) => {
      const sum = Float64Array.from(bias);
      if (below) below.forEach((x, row) => addRow(sum, x, input, row));
      else if (data.features[number] >= 0) addRow(sum, 1, input, data.features[number]);
      state[i].forEach((h, row) => addRow(sum, h, recurrent, row));
      return (below = sum.map(activate));
    });
    const read = [...recent, data.features[number]].slice(-data.max_n);
    return { state: next, recent: read, logProba: logProba(below, read) };
  }

  function logProba(state, recent) {
    const logits = Float64Array.from(outputBias);
    state.forEach((h, row) => addRow(logits, h, outputCoef, row));
    for (let n = 1; n <= recent.length; n++) {
      const pairs = data.ngrams[recent.slice(-n)] ?? []; // outputs and weights by turns
      for (let i = 0; i < pairs.length; i += 2) logits[pairs[i]] += pairs[i + 1];
    }
    const largest = logits.reduce((a, b) => Math.max(a, b));
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    const norm = largest + Math.log(total);
    return data.columns.map((column, i) => logits[column] - norm + shares[i]);
  }

  const nothing = { state: data.layers.map((size) => new Float64Array(size)), recent: [] };
  const begin = () => (data.start ? after(start, nothing) : { ...nothing, logProba: null });
  const read = (token, reading) => after(numbers.get(token) ?? unknown, reading);
  const knows = (token) => numbers.has(token);

  function longer({ total, tail, node, reading }) {
    const tokens = vocabulary ? [...node.children.keys()].filter(knows) : data.tokens;
    return tokens.map((token) => ({
      total: total + reading.logProba[numbers.get(token)],
      tail: tail + token, token, node: node?.children.get(token), reading,
    }));
  }

  const best = (texts, n) => texts.sort((a, b) => b.total - a.total).slice(0, n);

  // A beam search. Of texts that are equally probable the one found first is better.
  function complete(prefix, reading) {
    let node = vocabulary;
    for (const token of prefix) node = node?.children.get(token);
    let texts = vocabulary && !node ? [] : [{ total: 0, tail: "", node, reading }];
    let ended = [];
    for (let length = 0; texts.length; length++) {
      const isLast = length === data.max_length;
      if (data.end || vocabulary || isLast) {
        const whole = texts.filter((text) => !vocabulary || text.node.isEntry);
        ended.push(...whole.map(({ total, tail, reading: { logProba } }) => (
          { total: total + (data.end ? logProba.at(-1) : 0), tail }
        )));
        ended = best(ended.filter(({ total }) => total > -Infinity), data.n_completions);
      }
      if (isLast) break;
      const worst = ended.length === data.n_completions ? ended.at(-1).total : -Infinity;
      const grown = texts.flatMap(longer).filter(({ total }) => total > worst);
      texts = best(grown, data.beam_width);
      for (const text of texts) text.reading = read(text.token, text.reading);
    }
    return ended;
  }

  return { begin, read, knows, complete };
}
