// Masks: each matrix as a picture, its units as a graph beside random masks, statistics of the graph.
(function (explorer) {
  const CHOSEN = "#ffa90e", INK = "#8a8f98";
  const draw = explorer.draw;

  draw.mask = function (panel, state) {
    const net = panel.network, layer = net.words.layers.find((each) => each.name === state.layer) || net.words.layers[0];
    if (panel.drawnFor !== layer.name) {
      const bits = explorer.bits(net.arrays[`mask ${layer.name}`], layer.rows * layer.columns);
      panel.kept = bits.reduce((sum, bit) => sum + bit, 0);
      panel.setImage(Float32Array.from(bits), layer.rows, layer.columns, 0, 1);
      panel.drawnFor = layer.name;
    }
    const n = layer.rows * layer.columns;
    return `${net.label}: ${layer.name}, ${layer.rows} × ${layer.columns}, ${panel.kept.toLocaleString("en")} of ` +
      `${n.toLocaleString("en")} weights kept (density ${(panel.kept / n).toFixed(3)}; of the whole mask ${net.words.density.toFixed(3)}).`;
  };

  const KINDS = { mask: "its mask", density: "random, equal density", degree: "random, equal degrees" };

  // Return the pairs of places that a graph joins.
  function joined(net, layer, kind, n) {
    const bits = explorer.bits(net.arrays[`graph ${layer} ${kind}`], (n * (n - 1)) / 2), pairs = [];
    let at = 0;
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) if (bits[at++]) pairs.push([i, j]);
    return pairs;
  }

  // Return places along a curve from one to another that is drawn towards the centre.
  function curved(from, to, center) {
    const middle = center + 0.25 * ((from + to) / 2 - center);
    return Array.from({ length: 9 }, (_, n) => {
      const t = n / 8;
      return (1 - t) ** 2 * from + 2 * t * (1 - t) * middle + t ** 2 * to;
    });
  }

  draw.mask_graph = function (panel, state) {
    const net = panel.network, chosen = net.words.mask_graphs.find((each) => each.layer === state.layer) || net.words.mask_graphs[0];
    const { layer, units: n } = chosen, key = `${layer} ${state.neuron}`;
    if (panel.drawnFor === key) return panel.said;
    panel.drawnFor = key;
    const units = net.arrays[`units ${layer}`], hasNeurons = /W_(in|out)$/.test(layer) && net.hasMaps;
    const ranked = explorer.ranked(net.end.frequency ?? []);
    const frequency = (place) => (hasNeurons ? net.end.frequency[net.arrays.neurons.indexOf(units[place])] || 0 : 0);
    const data = { points: { x: [], y: [], color: [], size: [], label: [] }, names: { x: [], y: [], text: [] } };
    for (const name of ["others", "same"]) data[name] = { xs: [], ys: [], color: [], label: [] };
    const said = [];
    Object.entries(KINDS).forEach(([kind, words], place) => {
      const left = 2.4 * place, x = [], y = [];
      for (let i = 0; i < n; i++) {
        const angle = (2 * Math.PI * i) / n, k = frequency(i), isChosen = hasNeurons && units[i] === net.arrays.neurons[state.neuron];
        x.push(left + Math.cos(angle)); y.push(Math.sin(angle));
        data.points.x.push(x[i]); data.points.y.push(y[i]);
        data.points.color.push(isChosen ? CHOSEN : k ? explorer.colorAt(ranked.indexOf(k)) : INK);
        data.points.size.push(isChosen ? 9 : 4);
        data.points.label.push(hasNeurons ? `neuron ${units[i]}, frequency ${k}` : `unit ${units[i]}`);
      }
      const pairs = joined(net, layer, kind, n);
      let alike = 0;
      for (const [i, j] of pairs) {
        const isAlike = frequency(i) > 0 && frequency(i) === frequency(j), lines = data[isAlike ? "same" : "others"];
        alike += isAlike;
        lines.xs.push(curved(x[i], x[j], left)); lines.ys.push(curved(y[i], y[j], 0));
        lines.color.push(isAlike ? explorer.colorAt(ranked.indexOf(frequency(i))) : INK); lines.label.push("");
      }
      data.names.x.push(left - 1.05); data.names.y.push(-1.25); data.names.text.push(words);
      said.push(`${words} ${pairs.length.toLocaleString("en")}${hasNeurons && pairs.length ? ` (${alike.toLocaleString("en")} of one frequency)` : ""}`);
    });
    for (const [name, columns] of Object.entries(data)) panel.set(name, columns);
    panel.setRange(-1.15, 5.95, -1.35, 1.1);
    const all = net.words.layers.find((each) => each.name === layer), total = /W_(E|out)$/.test(layer) ? all.rows : all.columns;
    const what = hasNeurons ? "neurons" : layer.endsWith("W_E") ? "residues" : "units";
    const which = `${n < total ? `${n} of ${total}` : n} ${what}`;
    return `${net.label}: ${layer}, ${which}, ${((n * (n - 1)) / 2).toLocaleString("en")} pairs; joined: ${said.join(", ")}.`;
  };

  draw.graph = function (panel) {
    const net = panel.network, rows = net.words.graph;
    const names = rows.map((row) => `${row.statistic}, ${row.where}`).reverse();
    const points = { x: [], y: [], color: [], marker: [], label: [] };
    for (const row of rows) {
      for (const [null_, marker] of [["density", "circle"], ["degree", "square"]]) {
        const z = row[`${null_}_z`];
        if (z === null) continue;
        points.x.push(z); points.y.push(`${row.statistic}, ${row.where}`); points.marker.push(marker);
        points.color.push(Math.abs(z) < 2 ? INK : z > 0 ? "#e76300" : "#832db6");
        points.label.push(`${row.value} beside ${row[`${null_}_mean`]} of random masks of equal ${null_ === "density" ? "densities" : "degrees"}`);
      }
    }
    const most = 1.1 * Math.max(3, ...points.x.map(Math.abs));
    panel.plot.y_range.factors = names;
    panel.set("points", points);
    panel.plot.x_range.setv({ start: -most, end: most });
    return `${net.label}: ${points.x.length} comparisons; ${points.x.filter((z) => Math.abs(z) >= 2).length} are two standard deviations or more from random masks.`;
  };
})(window.explorer);
