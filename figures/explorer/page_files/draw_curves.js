// Curves over steps: training, the race of the frequencies, progress measures, phases through training.
(function (explorer) {
  explorer.draw = {};
  const shownStep = (step) => Math.max(step, 1);  // a logarithmic axis has no 0
  const number = (x) => (x === null || x === undefined ? "unknown" : Number(x.toPrecision(3)).toString());

  explorer.stepWords = (step) => `step ${step.toLocaleString("en")}`;

  function marks(panel, networks, state) {
    const of = networks.flatMap((net) => [net.words.t_mem, net.words.t_gen].filter((t) => t !== null)
      .map((t) => [shownStep(t), net.color]));
    const key = of.join();
    if (panel.markedFor !== key) panel.set("marks", { x: of.map((mark) => mark[0]), color: of.map((mark) => mark[1]) });
    panel.markedFor = key;
    panel.setNow(shownStep(state.step));
  }

  // Draw lines [{x, y, color, dash, width, label}] over steps; only the slider's line moves while they stay.
  function overSteps(panel, networks, state, key, lines, range) {
    if (panel.drawnFor !== key) {
      const made = lines();
      const [low, high] = range(made);
      const last = Math.max(2, ...made.map((line) => line.x[line.x.length - 1]));
      panel.set("lines", {
        xs: made.map((line) => Array.from(line.x, shownStep)), ys: made.map((line) => line.y),
        color: made.map((line) => line.color), dash: made.map((line) => line.dash || "solid"),
        width: made.map((line) => line.width || 1.5), label: made.map((line) => line.label),
      });
      panel.setRange(0.9, last * 1.15, low, high);
      panel.drawnFor = key;
    }
    marks(panel, networks, state);
  }

  const shares = () => [-0.03, 1.03];
  function positive(lines) {
    const values = lines.flatMap((line) => Array.from(line.y).filter((y) => y > 0));
    return values.length ? [Math.min(...values) / 1.5, Math.max(...values) * 1.5] : [0.1, 1];
  }
  const aboveZero = (y) => Array.from(y, (value) => (value > 0 ? value : NaN));

  function curveLines(networks, names) {
    return networks.flatMap((net) => names.flatMap(([name, dash, word]) => {
      const row = net.words.curves.indexOf(name), steps = net.arrays.curve_steps;
      if (row < 0) return [];
      const y = net.arrays.curves.subarray(row * steps.length, (row + 1) * steps.length);
      return [{ x: steps, y, color: net.color, dash, width: dash === "solid" ? 2 : 1, label: `${net.label}: ${word}` }];
    }));
  }

  function curves(names, range, word) {
    return (panel, state) => {
      const key = `${state.shown}|${state.colors}`;
      const lines = () => curveLines(state.networks, names).map((l) => ({ ...l, y: range === shares ? l.y : aboveZero(l.y) }));
      overSteps(panel, state.networks, state, key, lines, range);
      const said = state.networks.map((net) => `${net.label} ${number(explorer.curveAt(net, names[0][0], state.step))}`);
      return `${word} at ${explorer.stepWords(state.step)}: ${said.join("; ")}.`;
    };
  }

  // Return the last measured value of a curve at or before a step; null without one.
  explorer.curveAt = function (net, name, step) {
    const row = net.words.curves.indexOf(name), steps = net.arrays.curve_steps;
    if (row < 0) return null;
    let place = 0;
    while (place + 1 < steps.length && steps[place + 1] <= step) place++;
    return net.arrays.curves[row * steps.length + place];
  };

  explorer.draw.accuracy = curves([["test_acc", "solid", "test set"], ["train_acc", "dashed", "training set"]], shares, "Test accuracy");
  explorer.draw.loss = curves([["test_loss", "solid", "test set"], ["train_loss", "dashed", "training set"]], positive, "Test loss");
  explorer.draw.norm = curves([["l2", "solid", "L2"], ["l1", "dashed", "L1"]], positive, "L2 norm");

  explorer.draw.race = function (panel, state) {
    const net = panel.network, [T, K] = net.arrays.race.shape;
    const at = (t, k) => net.arrays.race[t * K + k] / 255;
    const ranked = Array.from({ length: K }, (_, k) => k).sort((j, k) => at(T - 1, k) - at(T - 1, j));
    overSteps(panel, [net], state, `${net.id}`, () => ranked.map((k, rank) => ({
      x: net.arrays.race_steps, y: Array.from({ length: T }, (_, t) => at(t, k)),
      color: rank < 8 ? explorer.colorAt(rank) : "#8a8f98", width: rank < 8 ? 2 : 0.6, label: `frequency ${k + 1}`,
    })).reverse(), (lines) => [0, 1.08 * Math.max(...lines.map((line) => Math.max(...line.y)), 0.01)]);
    let t = 0;
    while (t + 1 < T && net.arrays.race_steps[t + 1] <= state.step) t++;
    const now = [...ranked].sort((j, k) => at(t, k) - at(t, j)).slice(0, 5);
    return `Largest shares of ${net.words.race} at ${explorer.stepWords(net.arrays.race_steps[t])}: ` +
      now.map((k) => `frequency ${k + 1} ${number(at(t, k))}`).join(", ") + ".";
  };

  const LOSSES = ["train_loss", "test_loss", "restricted_sum2", "excluded", "trig_loss"];
  function progress(isLoss) {
    return (panel, state) => {
      const net = panel.network, names = net.words.progress, steps = net.arrays.progress_steps;
      const lines = () => names.map((name, row) => ({ name, row })).filter(({ name }) => LOSSES.includes(name) === isLoss)
        .map(({ name, row }, n) => {
          const y = net.arrays.progress.subarray(row * steps.length, (row + 1) * steps.length);
          return { x: steps, y: isLoss ? aboveZero(y) : y, color: explorer.colorAt(n), label: name };
        });
      overSteps(panel, [net], state, `${net.id}`, lines, isLoss ? positive : shares);
      const said = lines().map((line, n) => `${["blue", "orange", "red", "purple", "brown", "dark orange"][n % 6]} ${line.label}`);
      return `${said.join(", ")}.`;
    };
  }
  explorer.draw.progress_losses = progress(true);
  explorer.draw.progress_measures = progress(false);

  explorer.draw.phase = function (panel, state) {
    const net = panel.network, i = state.neuron, k = net.end.frequency[i];
    const key = `${i}|${JSON.stringify(net.changes)}`;
    if (panel.drawnFor !== key) {
      const points = { x: [], y: [], color: [], size: [], label: [] };
      for (const [map, color] of [["input", "#3f90da"], ["output", "#bd1f01"]]) {
        for (let t = 0; t < net.steps.length && k; t++) {
          const row = explorer.rowSpectrum(net, map, t, i);
          const [amplitude, phase] = explorer.waveOf(row, 0, k);
          points.x.push(shownStep(net.steps[t]));
          points.y.push(phase);
          points.color.push(color);
          points.size.push(3 + 7 * Math.min(1, amplitude / net.end.amplitude[map]));
          points.label.push(`${map} phase at ${explorer.stepWords(net.steps[t])}`);
        }
      }
      panel.set("points", points);
      panel.setRange(0.9, Math.max(2, net.steps[net.steps.length - 1]) * 1.15, -3.3, 3.3);
      panel.drawnFor = key;
    }
    panel.setNow(shownStep(state.step));
    return k ? `Phases at frequency ${k}: input blue, output red; larger points have larger amplitudes.` : "A dead neuron.";
  };

  // Return the spectrum of one row of a stored map at a checkpoint.
  explorer.rowSpectrum = function (net, map, t, i) {
    const row = explorer.dequantized(net.arrays[map], net.arrays[`${map}_step`], t * net.m + i, 1, net.p);
    return explorer.spectrum(row, net.p);
  };
})(window.explorer);
