// Bad input: an error that names the field and the allowed range, with the words
// of the C++ implementation where it has the same rule.

import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, fill, tensor } from "../src/index.js";
import { camelCase, GENERATE, generate, optionsOf } from "./requests.js";

/**
 * The error of a call that has to fail.
 *
 * @param {() => unknown} call
 * @returns {{error: Error, violations: {field: string, description: string}[]}}
 */
function errorOf(call) {
  try {
    call();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    return { error, violations: /** @type {any} */ (error).violations };
  }
  return assert.fail("nothing was thrown");
}

/** Requests that weightinit-generate refuses too. */
const REFUSED = [
  { shape: [4, -1] },
  {
    shape: [-1, -2],
    slice: [
      [0, 5],
      [3, 1],
    ],
  },
  { shape: Array(17).fill(1) },
  { shape: [2 ** 21, 2 ** 20] },
  { shape: [2 ** 40, 2 ** 12, 0] },
  { shape: [3], name: "ä".repeat(513) },
  { shape: [4, 4], slice: [[0, 2]] },
  {
    shape: [4, 4],
    slice: [
      [3, 2],
      [0, 5],
    ],
  },
  {
    shape: [4, 4],
    slice: [
      [-1, 2],
      [5, null],
    ],
  },
  {
    shape: [4, 4],
    slice: [
      [0, -1],
      [0, null],
    ],
  },
  { shape: [4], first_element: -1 },
  { shape: [4], first_element: 5 },
  { shape: [6, 4], groups: 4 },
  { shape: [4, 6], groups: 4, layout: "in_out" },
  { shape: [6, 4], groups: -2 },
  { shape: [4], groups: 2, transposed: true },
  { shape: [4, 4], fan_in: 0, fan_out: -3 },
  { shape: [4, -4], fan_in: 0, groups: -1 },
  { shape: [4], scheme: "he_normal" },
  { shape: [], scheme: "xavier_uniform" },
  { shape: [4], scheme: "variance_scaling", parameters: { fan_mode: "out" } },
  { shape: [4, 4], scheme: "xavier_normal", parameters: { gain: 0, mean: 1 } },
  { shape: [4, 4], scheme: "xavier_normal", parameters: { gain: -1e-7 } },
  { shape: [4, 4], scheme: "he_normal", activation: "relu", parameters: { negative_slope: 0.2 } },
  { shape: [4, 4], scheme: "he_normal", parameters: { distribution: "normal" } },
  { shape: [4, 4], scheme: "variance_scaling", parameters: { distribution: "constant", scale: 0 } },
  { shape: [4, 4], scheme: "variance_preserving_normal", activation: "softmax" },
  { shape: [4, 4], scheme: "variance_preserving_uniform", parameters: { negative_slope: 0.2 } },
  { shape: [4, 4], scheme: "variance_preserving_normal", activation: "gelu", parameters: { negative_slope: 0.2 } },
  { shape: [4], scheme: "identity" },
  { shape: [4, 4, 4], scheme: "identity" },
  { shape: [4, 4], scheme: "identity", groups: 2 },
  { shape: [4, 4], scheme: "identity", dtype: "float16", parameters: { gain: 1e6 } },
  { shape: [4, 4], scheme: "dirac" },
  { shape: [4, 4, 3], scheme: "dirac", groups: 3 },
  { shape: [4, 4, 3], scheme: "dirac", parameters: { gain: 2 } },
  { shape: [4], scheme: "orthogonal" },
  { shape: [4, 4], scheme: "orthogonal", groups: 3 },
  { shape: [4, 4], scheme: "orthogonal", parameters: { gain: 0, stddev: 1 } },
  { shape: [4, 4], scheme: "orthogonal", dtype: "float16", parameters: { gain: 1e6 } },
  { shape: [0, 4], scheme: "orthogonal", dtype: "float16", parameters: { gain: 1e6 } },
  { shape: [4, 4], scheme: "delta_orthogonal", groups: 2 },
  { shape: [4, 8, 2, 3], scheme: "delta_orthogonal", groups: 2 },
  { shape: [3, 2, 0, 8, 4], scheme: "delta_orthogonal", layout: "in_out" },
  { shape: [4, -8, -2], scheme: "delta_orthogonal" },
  { shape: [4, 4, 3], scheme: "sparse" },
  { shape: [4, 4], scheme: "sparse", groups: 2 },
  { shape: [4, 4], scheme: "sparse", groups: 2, parameters: { sparsity: 1.5, stddev: -1, gain: 2 } },
  { shape: [4, 4], scheme: "sparse", parameters: { sparsity: -1e-9 } },
  { shape: [4, 4], scheme: "sparse", dtype: "float16", parameters: { sparsity: 0.5, stddev: 7000 } },
  { shape: [4, 4], scheme: "normal", parameters: { sparsity: 0.5 } },
  { shape: [4], scheme: "constant" },
  { shape: [4], scheme: "zeros", parameters: { value: 1, fan_mode: "in" } },
  { shape: [4], scheme: "normal", parameters: { stddev: -0.5 } },
  { shape: [4], scheme: "uniform", parameters: { low: 1 } },
  { shape: [4], scheme: "uniform", parameters: { high: -1.23456789 } },
  { shape: [4], scheme: "uniform", parameters: { low: 0.1, high: 0.10000000001 } },
  { shape: [4], scheme: "truncated_normal", parameters: { low: 12, high: 13 } },
  { shape: [4], scheme: "truncated_normal", parameters: { mean: 1, stddev: 1e-9, low: 1, high: 2 } },
  { shape: [4], scheme: "normal", parameters: { stddev: 1e38 } },
  { shape: [4], scheme: "normal", dtype: "float16", parameters: { mean: 6e4, stddev: 1e4 } },
  { shape: [4], scheme: "constant", dtype: "bfloat16", parameters: { value: 3.4e38 } },
  { shape: [4], scheme: "uniform", dtype: "float64", parameters: { low: -1e308, high: 1.7e308 }, first_element: -1 },
];

/**
 * Fields and words of an error of weightinit-generate, as this package writes them.
 *
 * @param {string} text
 */
const translated = (text) =>
  text
    .replace(/^[A-Z_]+: /, "")
    .replace(/ \[weightinit\.violations=.*$/s, "")
    .replace(/tensor\.(parameters\.|fan\.)?/g, "")
    .replace(/\b(negative_slope|fan_mode|fan_in|fan_out|first_element)(?=:)/g, camelCase);

test("the C++ implementation refuses the same requests with the same words", { skip: GENERATE.skip }, () => {
  generate(REFUSED).forEach((answer, i) => {
    const request = REFUSED[i];
    const options = /** @type {any} */ (optionsOf(request));
    if (typeof answer !== "string") {
      assert.ok(tensor(options), JSON.stringify(request));
      return;
    }
    const { error, violations } = errorOf(() => tensor(options));
    assert.equal(error.constructor, RangeError, JSON.stringify(request));
    assert.equal(error.message, translated(answer), JSON.stringify(request));
    assert.equal(violations.map((v) => `${v.field}: ${v.description}`).join("; "), error.message);
  });
});

/** @type {[any, ErrorConstructor, string][]} */
const OTHERS = [
  [undefined, TypeError, "options: is undefined; must be an object"],
  [{}, TypeError, "shape: is required: an array of integers, empty for a scalar"],
  [{ shape: 4 }, TypeError, "shape: is 4; must be an array"],
  [{ shape: [4, 1.5] }, TypeError, "shape[1]: is 1.5; must be an integer"],
  [{ shape: ["4"] }, TypeError, 'shape[0]: is "4"; must be an integer'],
  [{ shape: [2 ** 53] }, RangeError, "shape[0]: is 9007199254740992; must be an integer from -(2^53 - 1) to 2^53 - 1"],
  [{ shape: [4], name: 5 }, TypeError, "name: is 5; must be a string"],
  [{ shape: [4], name: "\ud800" }, RangeError, "name: is not valid UTF-8: a surrogate stands alone"],
  [{ shape: [4], layout: "NCHW" }, RangeError, 'layout: is "NCHW"; must be one of out_in, in_out'],
  [{ shape: [4], seed: -1 }, RangeError, "seed: is -1; must be from 0 to 2^53 - 1, or a bigint or a string of digits"],
  [
    { shape: [4], seed: 2n ** 64n },
    RangeError,
    "seed: is 18446744073709551616; must be from 0 to 18446744073709551615",
  ],
  [{ shape: [4], seed: "x" }, TypeError, 'seed: is "x"; must be an integer, a bigint or a string of digits'],
  [{ shape: [4], seed: 0.5 }, TypeError, "seed: is 0.5; must be an integer, a bigint or a string of digits"],
  [{ shape: [4], transposed: 1 }, TypeError, "transposed: is 1; must be a boolean"],
  [{ shape: [4], scheme: "constant", value: Number.NaN }, RangeError, "value: is nan; must be finite"],
  [{ shape: [4], slice: [3] }, TypeError, "slice[0]: is 3; must be an array [start, stop]"],
  [
    { shape: [4], elementCount: 5 },
    RangeError,
    "elementCount: is 5; must be from 0 to 4, the elements of the slice from firstElement on",
  ],
  [
    { shape: [4, 4], scheme: "he_normal", fanMode: "up" },
    RangeError,
    'fanMode: is "up"; must be in, out, average or geometric',
  ],
];

test("values of wrong types and ranges are named with what is allowed", () => {
  for (const [options, type, message] of OTHERS) {
    const { error } = errorOf(() => tensor(options));
    assert.equal(error.constructor, type, error.message);
    assert.equal(error.message, message);
  }
});

test("a misspelt option is an error that lists the options", () => {
  const { error, violations } = errorOf(() => tensor(/** @type {any} */ ({ shape: [4], sead: 4 })));
  assert.equal(error.constructor, TypeError);
  assert.equal(violations[0].field, "sead");
  assert.match(error.message, /must be shape, .*seed/);
});

test("an unknown activation is an error that lists the activations", () => {
  const { error } = errorOf(() => tensor(/** @type {any} */ ({ shape: [4], activation: "relux" })));
  assert.match(error.message, /^activation: is "relux"; must be one of linear, .*selu$/);
});

test("an array of another type or length is refused and stays as it was", () => {
  const out = new Float64Array(4).fill(7);
  assert.throws(() => fill(/** @type {any} */ (out), { shape: [4], scheme: "normal" }), {
    name: "TypeError",
    message: "out: is of type Float64Array; must be a Float32Array, for the dtype float32",
  });
  assert.throws(() => fill(out, { shape: [5], scheme: "normal", dtype: "float64" }), {
    name: "RangeError",
    message: "out: has 4 elements; must have 5, as the request delivers",
  });
  assert.deepEqual(out, new Float64Array(4).fill(7));
});

test("a delivery that no array holds is refused, and its description is not", () => {
  const options = { shape: [2 ** 20, 2 ** 20], scheme: /** @type {const} */ ("normal") };
  assert.throws(() => tensor(options), {
    name: "RangeError",
    message: /^elementCount: 1099511627776 elements of 4 bytes/,
  });
  assert.equal(describe(options).bytes, 2 ** 42);
});

test("parts that do not make up a tensor are named", () => {
  const parts = [
    { name: "q", size: 2 },
    { name: "k", size: 1 },
  ];
  /** @type {[any, string][]} */
  const cases = [
    [{ shape: [4, 4], concatenation: { parts } }, "concatenation.parts: have sizes that do not add up to 4, shape[0]"],
    [{ shape: [], concatenation: { parts } }, "concatenation: has parts; a scalar has none"],
    [
      { shape: [3, 4], concatenation: { axis: 2, parts } },
      "concatenation.axis: is 2; must be from 0 to 1, the last dimension of the tensor",
    ],
    [
      { shape: [2, 4], concatenation: { stacked: true, parts } },
      "concatenation.parts[0].size: is 2; stacked parts have none; " +
        "concatenation.parts[1].size: is 1; stacked parts have none",
    ],
    [
      { shape: [3, 4], concatenation: { stacked: true, parts: [{ name: "a" }] } },
      "concatenation.parts: has 1 stacked parts; must have 3, as shape[0] says",
    ],
    [
      { shape: [3, 4], fanIn: 2, concatenation: { parts: [parts[0], { size: 1 }] } },
      "fanIn: is set; in a tensor with parts the parts have fans; concatenation.parts[1].name: is required",
    ],
    [
      {
        shape: [3, 4],
        concatenation: { parts: [parts[0], { ...parts[1], name: "q", gain: 0, scheme: "xavier_normal" }] },
      },
      "concatenation.parts[1].name: is the name of another part; two parts of one name would have equal weights; " +
        "concatenation.parts[1].gain: is 0; must be above 0",
    ],
    [
      { shape: [3, 4], concatenation: { parts: [parts[0], { ...parts[1], layout: "in_out" }] } },
      "concatenation.parts[1].layout: is set; the layout is the tensor's",
    ],
  ];
  for (const [options, message] of cases) assert.equal(errorOf(() => tensor(options)).error.message, message);
  /** @type {any} */
  let nested = { parts: [{ name: "p0", size: 3 }] };
  for (let i = 1; i < 7; ++i) nested = { parts: [{ name: `p${i}`, size: 3, concatenation: nested }] };
  assert.match(errorOf(() => tensor({ shape: [3], concatenation: nested })).error.message, /more than 4 levels/);
});
