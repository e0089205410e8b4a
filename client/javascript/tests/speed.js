// Prints the speed of one thread, in millions of elements a second: best of five.

import { fill } from "../src/index.js";

const ELEMENTS = 2 ** 24;

/**
 * @param {string} label
 * @param {Float32Array | Float64Array | Uint16Array} out
 * @param {any} options
 */
function measure(label, out, options) {
  let best = Infinity;
  for (let run = 0; run < 5; ++run) {
    const start = performance.now();
    fill(/** @type {any} */ (out), options);
    best = Math.min(best, performance.now() - start);
  }
  console.log(`${label.padEnd(36)} ${(out.length / best / 1000).toFixed(1)}`);
}

const float32 = new Float32Array(ELEMENTS);
const shape = [4096, 4096];
measure("normal float32", float32, { shape, scheme: "normal" });
measure("uniform float32", float32, { shape, scheme: "uniform" });
measure("truncated_normal float32", float32, { shape, scheme: "truncated_normal" });
measure("normal float32 in_out", float32, { shape, scheme: "normal", layout: "in_out" });
measure("normal float32 in_out, 3x3 kernels", new Float32Array(9 * 2 ** 20), {
  shape: [3, 3, 1024, 1024],
  scheme: "normal",
  layout: "in_out",
});
measure("orthogonal float32, 1024 x 1024", new Float32Array(2 ** 20), { shape: [1024, 1024], scheme: "orthogonal" });
measure("sparse float32", float32, { shape, scheme: "sparse", sparsity: 0.9 });
measure("normal bfloat16", new Uint16Array(ELEMENTS), { shape, scheme: "normal", dtype: "bfloat16" });
measure("normal float64", new Float64Array(ELEMENTS), { shape, scheme: "normal", dtype: "float64" });
