// Pictures over pairs of residues: logits, attention; circles of the embedding.
(function (explorer) {
  const draw = explorer.draw;
  const at = (panel, state) => panel.network.at(state.step);
  const stepOf = (panel, state) => explorer.stepWords(panel.network.steps[at(panel, state)]);

  // Return the bound of a symmetric colour scale: of the last checkpoint, so that one colour is one number.
  function bound(net, key, values) {
    net.bounds = net.bounds || {};
    if (!(key in net.bounds)) net.bounds[key] = values().reduce((most, x) => Math.max(most, Math.abs(x)), 1e-9);
    return net.bounds[key];
  }

  function classesOf(net, state) {
    if (state.class === null || state.class >= net.p) return net.arrays.label.map((label) => Math.max(label, 0));
    return new Int16Array(net.p * net.p).fill(state.class);
  }

  draw.logits = function (panel, state) {
    const net = panel.network, { p } = net, t = at(panel, state), last = net.steps.length - 1;
    if (net.arrays.margin) {
      const margins = (t) => explorer.dequantized(net.arrays.margin, net.arrays.margin_step, t * p, p, p);
      const values = margins(t), most = bound(net, "margin", () => margins(last));
      panel.setImage(Float32Array.from(values), p, p, -most, most);
      const right = values.reduce((sum, x, i) => sum + (x > 0 && net.arrays.label[i] >= 0), 0);
      return `${net.label}, ${stepOf(panel, state)}: margins; ${right} of ${p * p} pairs are right (orange), at ±${most.toPrecision(2)} full colour.`;
    }
    const classes = classesOf(net, state), act = net.words.activation;
    const values = explorer.logitsOf(net.state(t).maps, p, act, classes);
    const most = bound(net, `logits ${state.class}`, () => explorer.logitsOf(net.storedMaps(last), p, act, classes));
    panel.setImage(values, p, p, -most, most);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const what = state.class === null ? "logits of the right class" : `logits of class ${state.class}`;
    return `${net.label}, ${stepOf(panel, state)}: ${what} less the mean, on average ${mean.toPrecision(3)}; orange above 0, purple below, full colour at ±${most.toPrecision(2)}.`;
  };

  function heads(net, t) {
    return Array.from({ length: net.words.heads }, (_, h) =>
      Float32Array.from(explorer.dequantized(net.arrays[`attention_${h}`], net.arrays[`attention_${h}_step`], t * net.p, net.p, net.p)));
  }

  draw.attention = function (panel, state) {
    const net = panel.network, { p } = net, images = heads(net, at(panel, state));
    panel.setImages(images, p, p, 0, 1);
    panel.setRange(0, p * (1.06 * images.length - 0.06), p, 0);
    return `${net.label}, ${stepOf(panel, state)}: attention to a of ${images.length} ${images.length > 1 ? "heads" : "head"}, bright is 1.`;
  };

  draw.head_waves = function (panel, state) {
    const net = panel.network, { p } = net, images = heads(net, at(panel, state));
    const x = Array.from({ length: p }, (_, a) => a);
    const mean = (image, a) => image.subarray(a * p, (a + 1) * p).reduce((sum, value) => sum + value, 0) / p;
    panel.set("lines", {
      xs: images.map(() => x), ys: images.map((image) => x.map((a) => mean(image, a))),
      color: images.map((_, h) => explorer.colorAt(h)), label: images.map((_, h) => `head ${h}`),
    });
    panel.setRange(-0.5, p - 0.5, 0, 1);
    return `Mean over b of the attention to a: ${images.map((_, h) => `head ${h}`).join(", ")}.`;
  };

  // Return n, k with k · n = 1 mod p: the step between residues that follow one another around a circle.
  function inverse(k, p) {
    for (let n = 1; n < p; n++) if ((k * n) % p === 1) return n;
    return 1;
  }

  draw.circles = function (panel, state) {
    const net = panel.network, { p } = net, frequencies = net.words.circles, t = at(panel, state), n = frequencies.length;
    const rows = (t) => explorer.dequantized(net.arrays.circles, net.arrays.circles_step, t * n * 2, n * 2, p);
    const values = rows(t), most = bound(net, "circles", () => rows(net.steps.length - 1));
    const columns = Math.min(n, 3), links = { xs: [], ys: [], label: [] }, names = { x: [], y: [], text: [] };
    const points = { x: [], y: [], color: [], size: [], label: [] };
    frequencies.forEach((k, place) => {
      const left = 2.3 * (place % columns), low = -2.3 * Math.floor(place / columns), step = inverse(k, p);
      const xs = Array.from({ length: p }, (_, a) => left + values[2 * place * p + a] / most);
      const ys = Array.from({ length: p }, (_, a) => low + values[(2 * place + 1) * p + a] / most);
      const around = Array.from({ length: p + 1 }, (_, turn) => (turn * step) % p);
      links.xs.push(around.map((a) => xs[a])); links.ys.push(around.map((a) => ys[a])); links.label.push("");
      for (let a = 0; a < p; a++) {
        points.x.push(xs[a]); points.y.push(ys[a]); points.color.push(explorer.colorAt(place));
        points.size.push(4); points.label.push(`residue ${a}, frequency ${k}`);
      }
      names.x.push(left - 1.05); names.y.push(low + 1.0); names.text.push(`k = ${k}`);
    });
    panel.set("links", links); panel.set("points", points); panel.set("names", names);
    panel.setRange(-1.15, 2.3 * (columns - 1) + 1.15, -2.3 * (Math.ceil(n / columns) - 1) - 1.15, 1.15);
    return `${net.label}, ${stepOf(panel, state)}: frequencies ${frequencies.join(", ")}.`;
  };
})(window.explorer);
