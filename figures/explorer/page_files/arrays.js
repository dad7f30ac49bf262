// Arrays that the page holds as base64 of gzip: a header of types, shapes and places, then the bytes.
window.explorer = {};

(function (explorer) {
  const TYPES = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };

  async function unzipped(text) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  // Return typed arrays by name, each with its `shape`.
  explorer.unpacked = async function (text) {
    const buffer = await unzipped(text);
    const start = 4 + new DataView(buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, start - 4)));
    const arrays = {};
    for (const [name, [type, shape, place]] of Object.entries(header)) {
      const size = shape.reduce((product, n) => product * n, 1);
      arrays[name] = new TYPES[type](buffer, start + place, size);
      arrays[name].shape = shape;
    }
    return arrays;
  };

  explorer.unpackedJson = async (text) => JSON.parse(new TextDecoder().decode(await unzipped(text)));

  // Return bits as 0 and 1, the highest bit of each byte first.
  explorer.bits = function (bytes, size) {
    const bits = new Uint8Array(size);
    for (let i = 0; i < size; i++) bits[i] = (bytes[i >> 3] >> (7 - (i & 7))) & 1;
    return bits;
  };

  // Return rows of `size` numbers of an array in 8 bits, from row `first` on, as numbers.
  explorer.dequantized = function (array, steps, first, rows, size) {
    const values = new Float64Array(rows * size);
    for (let row = 0; row < rows; row++) {
      const step = steps[first + row];
      const from = (first + row) * size;
      for (let i = 0; i < size; i++) values[row * size + i] = array[from + i] * step;
    }
    return values;
  };
})(window.explorer);
