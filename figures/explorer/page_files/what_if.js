// What if: a network's maps are changed, and its logits and accuracies recomputed from them.
(function (explorer) {
  const ACTIVATIONS = {
    relu: (z) => (z > 0 ? z : 0),
    square: (z) => z * z,
    abs: Math.abs,
    cube: (z) => z * z * z,
    fourth: (z) => z * z * z * z,
    exp: Math.exp,
    softplus: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  };
  const MAPS = ["input", "output"];

  function addWave(map, row, p, frequency, amplitude, phase) {
    explorer.cosine(p, frequency, amplitude, phase).forEach((x, j) => { map[row * p + j] += x; });
  }

  // What each change does to maps (neurons × p), in place; `start` has those of the first checkpoint.
  const CHANGES = {
    drop_neuron(maps, start, p, { neuron }) {
      for (const name of MAPS) maps[name].fill(0, neuron * p, (neuron + 1) * p);
    },
    drop_frequency(maps, start, p, { frequency }) {
      for (const name of MAPS) {
        const spectrum = explorer.spectrum(maps[name], p);
        for (let row = 0; row < maps[name].length / p; row++) {
          const [amplitude, phase] = explorer.waveOf(spectrum, row, frequency);
          addWave(maps[name], row, p, frequency, -amplitude, phase);
        }
      }
    },
    rotate(maps, start, p, { neuron, map, angle }) {
      const spectrum = explorer.spectrum(maps[map].slice(neuron * p, (neuron + 1) * p), p);
      const frequency = explorer.strongest(spectrum, 0);
      const [amplitude, phase] = explorer.waveOf(spectrum, 0, frequency);
      addWave(maps[map], neuron, p, frequency, -amplitude, phase);
      addWave(maps[map], neuron, p, frequency, amplitude, phase + angle);
    },
    zero(maps, start, p, { neuron, map }) {
      maps[map].fill(0, neuron * p, (neuron + 1) * p);
    },
    start(maps, start, p, { neuron, map }) {
      maps[map].set(start[map].subarray(neuron * p, (neuron + 1) * p), neuron * p);
    },
  };

  // Apply changes, in their order.
  explorer.changed = function (maps, start, p, changes) {
    for (const change of changes) CHANGES[change.op](maps, start, p, change);
    return maps;
  };

  // Return True if a change that came from a link fits a network of m neurons and p residues.
  explorer.isChange = function (change, m, p) {
    const isIndex = (n, end) => Number.isInteger(n) && n >= 0 && n < end;
    if (change === null || typeof change !== "object" || !Object.hasOwn(CHANGES, change.op)) return false;
    if (change.op === "drop_frequency") return isIndex(change.frequency - 1, (p - 1) / 2);
    if (!isIndex(change.neuron, m)) return false;
    if (change.op === "rotate" && !Number.isFinite(change.angle)) return false;
    return change.op === "drop_neuron" || MAPS.includes(change.map);
  };

  // Return the logits of all pairs, (p · p · p): entry (a · p + b) · p + c is that of class c.
  explorer.logits = function (maps, p, activation) {
    const m = maps.input.length / p, act = ACTIVATIONS[activation];
    const logits = new Float64Array(p * p * p);
    for (let a = 0; a < p; a++) {
      for (let b = 0; b < p; b++) {
        const at = (a * p + b) * p;
        for (let i = 0; i < m; i++) {
          const hidden = act(maps.input[i * p + a] + maps.input[i * p + b]);
          if (hidden === 0) continue;
          for (let c = 0, from = i * p; c < p; c++) logits[at + c] += hidden * maps.output[from + c];
        }
      }
    }
    return logits;
  };

  // Return the logit of one class per pair (p · p), less the mean over classes; `classes` has the class of each.
  explorer.logitsOf = function (maps, p, activation, classes) {
    const m = maps.input.length / p, act = ACTIVATIONS[activation];
    const values = new Float32Array(p * p);
    const reads = maps.input;
    for (let i = 0; i < m; i++) {
      const writes = maps.output.subarray(i * p, (i + 1) * p);
      const mean = writes.reduce((sum, x) => sum + x, 0) / p;
      for (let a = 0, at = 0; a < p; a++) {
        for (let b = 0; b < p; b++, at++) {
          const hidden = act(reads[i * p + a] + reads[i * p + b]);
          if (hidden !== 0) values[at] += hidden * (writes[classes[at]] - mean);
        }
      }
    }
    return values;
  };

  // Return accuracies of logits: of all pairs, and of training and test pairs where they are known.
  explorer.accuracies = function (logits, p, label, trained) {
    const counts = { all: [0, 0], train: [0, 0], test: [0, 0] };
    for (let at = 0; at < p * p; at++) {
      if (label[at] < 0) continue;
      let isRight = 1;
      for (let c = 0; c < p && isRight; c++) {
        if (c !== label[at] && !(logits[at * p + label[at]] > logits[at * p + c])) isRight = 0;
      }
      const part = { 1: "train", 0: "test" }[trained[at]];
      for (const name of ["all", part]) if (name) counts[name] = [counts[name][0] + isRight, counts[name][1] + 1];
    }
    return Object.fromEntries(Object.entries(counts).map(([name, [right, n]]) => [name, n ? right / n : null]));
  };
})(window.explorer);
