// One network of the page: its words, its arrays, and its maps at a checkpoint with what was changed in them.
(function (explorer) {
  class Network {
    constructor(id, words, arrays) {
      Object.assign(this, { id, words, arrays, changes: [], cache: new Map() });
      this.p = words.p;
      this.m = words.n_neurons || 0;
      this.steps = arrays.steps || Int32Array.of(0);
    }

    // Return the index of the last checkpoint at or before a step.
    at(step) {
      let t = 0;
      while (t + 1 < this.steps.length && this.steps[t + 1] <= step) t++;
      return t;
    }

    get hasMaps() { return this.m > 0; }

    setChanges(changes) {
      this.changes = changes;
      this.cache.clear();
    }

    // Return maps (neurons × p) of a checkpoint as they are stored.
    storedMaps(t) {
      const maps = {};
      for (const name of ["input", "output"]) {
        maps[name] = explorer.dequantized(this.arrays[name], this.arrays[`${name}_step`], t * this.m, this.m, this.p);
      }
      return maps;
    }

    // Return maps and their spectra at a checkpoint, with the changes.
    state(t) {
      if (!this.cache.has(t)) {
        if (this.cache.size > 4) this.cache.clear();
        const maps = this.storedMaps(t);
        if (this.changes.length) explorer.changed(maps, this.storedMaps(0), this.p, this.changes);
        const spectra = { input: explorer.spectrum(maps.input, this.p), output: explorer.spectrum(maps.output, this.p) };
        this.cache.set(t, { maps, spectra });
      }
      return this.cache.get(t);
    }

    // Return what of the last checkpoint orders, scales and colours the neurons; changes do not move them.
    get end() {
      if (!this._end) {
        const last = this.steps.length - 1;
        const [maps, first] = [this.storedMaps(last), this.storedMaps(0)];
        const spectrum = explorer.spectrum(maps.input, this.p);
        const writes = explorer.spectrum(maps.output, this.p);
        const neurons = Array.from({ length: this.m }, (_, i) => i);
        const frequency = neurons.map((i) => explorer.strongest(spectrum, i));
        const sum = (i, of) => {
          let total = 0;
          for (let j = i * this.p; j < (i + 1) * this.p; j++) total += of(j);
          return total;
        };
        const largest = (map) => map.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-12);
        this._end = {
          spectrum,
          frequency,
          phase: neurons.map((i) => explorer.waveOf(spectrum, i, frequency[i])[1]),
          energy: neurons.map((i) => sum(i, (j) => maps.input[j] ** 2)),
          change: neurons.map((i) => sum(i, (j) => (maps.input[j] - first.input[j]) ** 2)),
          largest: { input: largest(maps.input), output: largest(maps.output) },
          amplitude: { input: largest(spectrum.amplitude), output: largest(writes.amplitude) },
        };
      }
      return this._end;
    }

    // Return the neurons in an order: frequency, energy, change or number.
    order(by) {
      const end = this.end, neurons = Array.from({ length: this.m }, (_, i) => i);
      const keys = {
        frequency: (i) => [end.frequency[i] || Infinity, end.phase[i]],
        energy: (i) => [-end.energy[i], i],
        change: (i) => [-end.change[i], i],
        number: (i) => [i, 0],
      };
      const key = keys[by];
      return neurons.sort((i, j) => key(i)[0] - key(j)[0] || key(i)[1] - key(j)[1]);
    }

    // Return the accuracies at a checkpoint by the numbers in the page, with the changes or without.
    accuracies(t, isChanged) {
      const maps = isChanged ? this.state(t).maps : this.storedMaps(t);
      const logits = explorer.logits(maps, this.p, this.words.activation);
      return explorer.accuracies(logits, this.p, this.arrays.label, this.arrays.trained);
    }

    // Return a value of a curve at a checkpoint's step, as training measured it; null if it did not there.
    measured(name, t) {
      const row = this.words.curves.indexOf(name), steps = this.arrays.curve_steps;
      const place = row < 0 ? -1 : steps.indexOf(this.steps[t]);
      return place < 0 ? null : this.arrays.curves[row * steps.length + place];
    }
  }
  explorer.Network = Network;
})(window.explorer);
