// Checked by the compiler alone: what a caller may write, and what not.

import { describe, fill, model, tensor } from "../src/index.js";

export const float32: Float32Array = tensor({ shape: [2, 3], activation: "relu", seed: 42 });
export const float64: Float64Array = tensor({ shape: [2], scheme: "normal", dtype: "float64", seed: 42n });
export const float16: Uint16Array = tensor({ shape: [], scheme: "ones", dtype: "float16", seed: "42" });
export const sparse: Float32Array = tensor({ shape: [2, 3], scheme: "sparse", sparsity: 0.5, stddev: 0.1 });
export const filled: Float64Array = fill(new Float64Array(4), { shape: [4], dtype: "float64" });
export const stddev: number = describe({
  shape: [4, 4],
  slice: [
    [0, 2],
    [1, null],
  ],
}).stddev;
export const names: string[] = [...model([{ name: "a", shape: [1] }], { seed: 1 })].map(([name]) => name);

// @ts-expect-error: another array
export const wrong: Float64Array = tensor({ shape: [2], dtype: "float32" });
// @ts-expect-error: no shape
tensor({ name: "a" });
// @ts-expect-error: a misspelt option
tensor({ shape: [1], sead: 1 });
// @ts-expect-error: no such activation
tensor({ shape: [1], activation: "relux" });
// @ts-expect-error: an array of another dtype
fill(new Float32Array(4), { shape: [4], dtype: "float64" });
// @ts-expect-error: a part without a name
tensor({ shape: [1], concatenation: { parts: [{ size: 1 }] } });
