// Waves over the residues mod p: a row's amplitude and phase at each frequency, as in DEFINITIONS.md, section 5.
(function (explorer) {
  const tables = {};

  function waves(p) {
    if (!(p in tables)) {
      const K = (p - 1) / 2;
      const cos = new Float64Array(K * p), sin = new Float64Array(K * p);
      for (let k = 1; k <= K; k++) {
        for (let j = 0; j < p; j++) {
          const angle = (2 * Math.PI * ((k * j) % p)) / p;
          cos[(k - 1) * p + j] = Math.cos(angle);
          sin[(k - 1) * p + j] = Math.sin(angle);
        }
      }
      tables[p] = { K, cos, sin };
    }
    return tables[p];
  }

  // Return {K, amplitude, phase} of the rows of a map (rows × p), arrays of rows × K.
  explorer.spectrum = function (map, p) {
    const { K, cos, sin } = waves(p);
    const rows = map.length / p;
    const amplitude = new Float64Array(rows * K), phase = new Float64Array(rows * K);
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < K; k++) {
        let c = 0, s = 0;
        for (let j = 0, at = k * p; j < p; j++, at++) {
          const x = map[row * p + j];
          c += x * cos[at];
          s += x * sin[at];
        }
        amplitude[row * K + k] = (2 / p) * Math.hypot(c, s);
        phase[row * K + k] = Math.atan2(-s, c);
      }
    }
    return { K, amplitude, phase };
  };

  // Return the frequency of largest amplitude of a row, from 1; 0 if the row is constant.
  explorer.strongest = function (spectrum, row) {
    let best = 0, largest = 1e-12;
    for (let k = 0; k < spectrum.K; k++) {
      const amplitude = spectrum.amplitude[row * spectrum.K + k];
      if (amplitude > largest) [best, largest] = [k + 1, amplitude];
    }
    return best;
  };

  // Return amplitude and phase of a row at a frequency.
  explorer.waveOf = function (spectrum, row, frequency) {
    const at = row * spectrum.K + frequency - 1;
    return frequency ? [spectrum.amplitude[at], spectrum.phase[at]] : [0, 0];
  };

  // Return amplitude · cos(ωj + phase) for every residue j.
  explorer.cosine = function (p, frequency, amplitude, phase) {
    return Array.from({ length: p }, (_, j) => amplitude * Math.cos((2 * Math.PI * frequency * j) / p + phase));
  };
})(window.explorer);
