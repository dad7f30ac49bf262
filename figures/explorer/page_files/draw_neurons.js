// Neurons: the grid, the spectra, one neuron, the rings of phases.
(function (explorer) {
  const INPUT = "#3f90da", OUTPUT = "#bd1f01", INK = "#8a8f98", CHOSEN = "#ffa90e";
  const MOST_CELLS = 64;
  const draw = explorer.draw;

  const at = (panel, state) => panel.network.at(state.step);
  const stepOf = (panel, state) => explorer.stepWords(panel.network.steps[at(panel, state)]);

  // Return the neurons that the grid shows, so that the chosen one is among them.
  explorer.cellsOf = function (net, state) {
    const order = net.order(state.sort);
    const page = Math.max(0, Math.floor(order.indexOf(state.neuron) / MOST_CELLS));
    return order.slice(page * MOST_CELLS, (page + 1) * MOST_CELLS);
  };

  explorer.columnsOf = (n) => Math.max(1, Math.ceil(Math.sqrt(n * 1.2)));

  draw.neurons = function (panel, state) {
    const net = panel.network, { p } = net, { maps, spectra } = net.state(at(panel, state));
    const shown = explorer.cellsOf(net, state), columns = explorer.columnsOf(shown.length);
    const rows = Math.ceil(shown.length / columns);
    const cells = { x: [], y: [], w: [], h: [], color: [], label: [] }, names = { x: [], y: [], text: [] };
    const lines = { inputs: [], outputs: [], fits: [] }, across = [];
    const scale = (map) => 0.42 / net.end.largest[map];
    shown.forEach((i, place) => {
      const left = place % columns, y = rows - 1 - Math.floor(place / columns) + 0.5;
      const frequency = explorer.strongest(spectra.input, i), label = `neuron ${net.arrays.neurons[i]}`;
      const wave = explorer.cosine(p, frequency, ...explorer.waveOf(spectra.input, i, frequency));
      for (let j = 0; j < p; j++) {
        across.push(left + 0.05 + (0.9 * j) / (p - 1));
        lines.inputs.push(y + maps.input[i * p + j] * scale("input"));
        lines.outputs.push(y + maps.output[i * p + j] * scale("output"));
        lines.fits.push(y + wave[j] * scale("input"));
      }
      for (const values of [across, ...Object.values(lines)]) values.push(NaN);
      cells.x.push(left + 0.5); cells.y.push(y); cells.w.push(0.96); cells.h.push(0.94);
      cells.color.push(i === state.neuron ? CHOSEN : INK); cells.label.push(label);
      names.x.push(left + 0.06); names.y.push(y + 0.34); names.text.push(`${net.arrays.neurons[i]} · ${frequency}`);
    });
    const key = `${shown}|${state.neuron}`;
    if (panel.celledFor !== key) panel.set("cells", cells);
    panel.celledFor = key;
    panel.set("names", names);
    for (const [name, y] of Object.entries(lines)) panel.set(name, { x: across, y });
    panel.setRange(-0.05, columns + 0.05, -0.05, rows + 0.05);
    const part = shown.length < net.m ? `${shown.length} of ${net.m} neurons` : `${net.m} neurons`;
    return `${net.label}, ${stepOf(panel, state)}: ${part} by ${state.sort}; in a cell: number · frequency.`;
  };

  // Choose the neuron of a cell of the grid.
  explorer.neuronAtCell = function (net, state, x, y) {
    const shown = explorer.cellsOf(net, state), columns = explorer.columnsOf(shown.length);
    const rows = Math.ceil(shown.length / columns);
    return x < 0 || x >= columns ? undefined : shown[(rows - 1 - Math.floor(y)) * columns + Math.floor(x)];
  };

  draw.spectrum = function (panel, state) {
    const net = panel.network, spectrum = net.state(at(panel, state)).spectra[state.map], { K } = spectrum;
    const order = net.order(state.sort), image = new Float32Array(net.m * K);
    order.forEach((i, row) => image.set(spectrum.amplitude.subarray(i * K, (i + 1) * K), row * K));
    panel.setImages([image], net.m, K, 0, net.end.amplitude[state.map], 0.5);
    panel.setRange(0.5, K + 0.5, net.m, 0);
    panel.set("chosen", { x: [(K + 1) / 2], y: [order.indexOf(state.neuron) + 0.5], w: [K], h: [1] });
    return `${net.label}, ${stepOf(panel, state)}: amplitudes of the ${state.map} weights, bright is large; neurons by ${state.sort}.`;
  };

  draw.waves = function (panel, state) {
    const net = panel.network, { p } = net, i = state.neuron, { maps, spectra } = net.state(at(panel, state));
    const x = Array.from({ length: p }, (_, j) => j);
    const data = { start: [], fits: [], waves: [] };
    const said = [];
    for (const [map, color] of [["input", INPUT], ["output", OUTPUT]]) {
      const first = explorer.dequantized(net.arrays[map], net.arrays[`${map}_step`], i, 1, p);
      const k = explorer.strongest(spectra[map], i), [amplitude, phase] = explorer.waveOf(spectra[map], i, k);
      data.start.push([first, color]);
      data.fits.push([explorer.cosine(p, k, amplitude, phase), color]);
      data.waves.push([maps[map].slice(i * p, (i + 1) * p), color]);
      said.push(k ? `${map} frequency ${k}, amplitude ${amplitude.toPrecision(3)}, phase ${phase.toFixed(2)}` : `${map} dead`);
    }
    for (const [name, lines] of Object.entries(data)) {
      panel.set(name, { xs: lines.map(() => x), ys: lines.map((line) => line[0]), color: lines.map((line) => line[1]), label: lines.map(() => name) });
    }
    const most = 1.15 * Math.max(net.end.largest.input, net.end.largest.output);
    panel.setRange(-0.5, p - 0.5, -most, most);
    return `${net.label}, neuron ${net.arrays.neurons[i]}, ${stepOf(panel, state)}: ${said.join("; ")}.`;
  };

  draw.amplitudes = function (panel, state) {
    const net = panel.network, { spectra } = net.state(at(panel, state)), { K } = spectra.input, i = state.neuron;
    const bars = { x: [], top: [], color: [] };
    for (const [map, color, shift] of [["input", INPUT, -0.2], ["output", OUTPUT, 0.2]]) {
      for (let k = 0; k < K; k++) {
        bars.x.push(k + 1 + shift);
        bars.top.push(spectra[map].amplitude[i * K + k]);
        bars.color.push(color);
      }
    }
    panel.set("bars", bars);
    panel.setRange(0.4, K + 0.6, 0, 1.05 * Math.max(net.end.amplitude.input, net.end.amplitude.output));
    return "Amplitudes: input blue, output red.";
  };

  draw.weights = function (panel, state) {
    const net = panel.network, i = net.arrays.neurons[state.neuron], said = [];
    const rows = net.words.starts.map(({ side, layer }) => {
      const { arrays } = net.startOf, name = `start_${side}`, [m, width] = arrays[name].shape;
      const row = explorer.dequantized(arrays[name], arrays[`${name}_step`], state.neuron, 1, width);
      const kept = explorer.maskOfNeuron(net, layer, i);
      const n = kept.length ? kept.reduce((sum, bit) => sum + bit, 0) : width;
      said.push(`${side === "in" ? "above into" : "below out of"} it (${layer}) ${n} of ${width} kept`);
      return row.map((weight, j) => (kept.length && !kept[j] ? NaN : weight));
    });
    if (!rows.length) return "The network has no matrix W_in or W_out.";
    const width = Math.max(...rows.map((row) => row.length)), image = new Float32Array(rows.length * width).fill(Infinity);
    rows.forEach((row, place) => image.set(row, place * width));
    const most = image.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 1e-12);
    panel.setImage(image, rows.length, width, -most, most);
    return `Weights at the first checkpoint: ${said.join(", ")}; full colour at ±${most.toPrecision(2)}.`;
  };

  // Return what the mask keeps of the weights into (W_in) or out of (W_out) a neuron; nothing without a mask.
  explorer.maskOfNeuron = function (net, name, i) {
    const layer = net.words.layers.find((each) => each.name === name);
    if (!layer) return [];
    const bits = explorer.bits(net.arrays[`mask ${layer.name}`], layer.rows * layer.columns);
    return name.endsWith("W_in") ? Array.from({ length: layer.rows }, (_, r) => bits[r * layer.columns + i])
      : Array.from(bits.subarray(i * layer.columns, (i + 1) * layer.columns));
  };

  // Return the frequencies by the number of neurons that have them: their places choose their colours.
  explorer.ranked = function (frequencies) {
    const counts = new Map();
    frequencies.forEach((k) => counts.set(k, (counts.get(k) || 0) + 1));
    return [...counts.keys()].sort((j, k) => counts.get(k) - counts.get(j) || j - k);
  };

  draw.ring = function (panel, state) {
    const net = panel.network, { spectra } = net.state(at(panel, state)), end = net.end;
    const ranked = explorer.ranked(end.frequency);
    const points = { x: [], y: [], color: [], size: [], label: [] }, links = { xs: [], ys: [], color: [], label: [] };
    let cosines = 0, live = 0;
    for (let i = 0; i < net.m; i++) {
      const k = explorer.strongest(spectra.input, i);
      if (!k) continue;
      const phi = explorer.waveOf(spectra.input, i, k)[1], [beta, psi] = explorer.waveOf(spectra.output, i, k);
      const color = i === state.neuron ? CHOSEN : explorer.colorAt(ranked.indexOf(k));
      const ends = [[0.72, 2 * phi], [1, psi]].map(([r, angle]) => [r * Math.cos(angle), r * Math.sin(angle)]);
      for (const [x, y] of ends) {
        points.x.push(x); points.y.push(y); points.color.push(color);
        points.size.push(i === state.neuron ? 11 : 6); points.label.push(`neuron ${net.arrays.neurons[i]}, frequency ${k}`);
      }
      links.xs.push(ends.map((end) => end[0])); links.ys.push(ends.map((end) => end[1]));
      links.color.push(color); links.label.push(`neuron ${net.arrays.neurons[i]}`);
      if (beta > 0) { cosines += Math.cos(2 * phi - psi); live++; }
    }
    const turn = Array.from({ length: 73 }, (_, n) => (2 * Math.PI * n) / 72);
    panel.set("circles", { xs: [0.72, 1].map((r) => turn.map((a) => r * Math.cos(a))), ys: [0.72, 1].map((r) => turn.map((a) => r * Math.sin(a))), label: ["", ""] });
    panel.set("links", links);
    panel.set("points", points);
    panel.setRange(-1.12, 1.12, -1.12, 1.12);
    return `${net.label}, ${stepOf(panel, state)}: mean cos(2φ − ψ) ${live ? (cosines / live).toFixed(3) : "unknown"} over ${live} neurons.`;
  };
})(window.explorer);
