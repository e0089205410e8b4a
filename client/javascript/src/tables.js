// What a request can say: the names of proto/weightinit/v1/tensor.proto, in lower
// case, and what follows from each.

import { naturalLog } from "./mapped.js";

/**
 * Another name for a value.
 *
 * @type {Record<string, Record<string, string>>}
 */
export const ALIASES = {
  scheme: {
    glorot_uniform: "xavier_uniform",
    kaiming_uniform: "he_uniform",
    eye: "identity",
  },
  activation: { none: "linear", identity: "linear", silu: "swish" },
  dtype: {
    f32: "float32",
    float: "float32",
    f64: "float64",
    double: "float64",
    f16: "float16",
    half: "float16",
    bf16: "bfloat16",
  },
  layout: {},
  role: {},
  fanMode: { fan_in: "in", fan_out: "out", avg: "average", fan_avg: "average" },
  distribution: {},
};

/**
 * A scheme: the parameters that it takes, with their defaults (REQUIRED has none,
 * that of OF_ACTIVATION is the activation's), and its distribution. `fan` is what
 * divides the variance, in words of the fan modes; absent if there are no fans.
 * hasActivation: the formula has the activation in it. rank: the lowest and the highest
 * that it is for, where not all are; ungrouped: it takes no groups. structure: what else
 * than draws, one for each element, it is; parameters that are null: no element is a draw.
 *
 * @typedef {object} Inputs
 * @property {number} gain
 * @property {number} negativeSlope
 * @property {number} mean
 * @property {number} stddev
 * @property {number} low
 * @property {number} high
 * @property {number} value
 * @property {number} scale
 * @property {number} sparsity
 * @property {string} fanMode
 * @property {string} distribution
 * @property {number} varianceGain of the activation; 0 if it has none
 *
 * @typedef {import("./sampler.js").Parameters} Parameters
 * @typedef {"diagonal" | "orthogonal" | "orthogonal_centre" | "sparse" | "log_of_uniform" | "inverse_softplus"} Structure
 * @typedef {(inputs: Inputs, fan: number) => {parameters: Parameters | null, gain?: number, sparsity?: number}} Formula
 * @typedef {{takes: Record<string, number | string | symbol>, fan?: (inputs: Inputs) => string,
 *     hasActivation?: boolean, rank?: [number, number], ungrouped?: boolean, structure?: Structure, formula: Formula}} Scheme
 */

export const REQUIRED = Symbol("required");
export const OF_ACTIVATION = Symbol("of the activation");

/** @param {number} value */
const constant = (value) => ({
  parameters: /** @type {Parameters} */ ({ distribution: "constant", mean: value, stddev: 0, low: 0, high: 0 }),
});

/** The standard deviation of a standard normal truncated to [-2, 2]. */
const TRUNCATED_STDDEV = 0.87962566103423978;

/**
 * Mean 0 and variance scale / fan.
 *
 * @param {string} distribution
 * @param {number} scale
 * @param {number} fan
 * @param {number} gain
 * @returns {{parameters: Parameters, gain: number}}
 */
function scaled(distribution, scale, fan, gain) {
  const variance = scale / fan;
  if (distribution === "uniform") {
    const high = Math.sqrt(3 * variance);
    return { parameters: { distribution, mean: 0, stddev: 0, low: -high, high }, gain };
  }
  const stddev = Math.sqrt(variance);
  if (distribution === "normal") {
    return { parameters: { distribution, mean: 0, stddev, low: 0, high: 0 }, gain };
  }
  const wider = stddev / TRUNCATED_STDDEV;
  return { parameters: { distribution: "truncated_normal", mean: 0, stddev: wider, low: -2, high: 2 }, gain };
}

/** @type {(distribution: string) => Scheme} */
const xavier = (distribution) => ({
  takes: { gain: 1 },
  fan: () => "average",
  formula: ({ gain }, fan) => scaled(distribution, gain * gain, fan, gain),
});

/** @type {(distribution: string) => Scheme} */
const he = (distribution) => ({
  takes: { negativeSlope: OF_ACTIVATION, fanMode: "in" },
  fan: ({ fanMode }) => fanMode,
  formula: ({ negativeSlope }, fan) => {
    const scale = 2 / (1 + negativeSlope * negativeSlope);
    return scaled(distribution, scale, fan, Math.sqrt(scale));
  },
});

/** @type {(distribution: string) => Scheme} */
const lecun = (distribution) => ({
  takes: {},
  fan: () => "in",
  formula: (_, fan) => scaled(distribution, 1, fan, 1),
});

/** @type {(distribution: string) => Scheme} */
const variancePreserving = (distribution) => ({
  takes: { negativeSlope: OF_ACTIVATION, fanMode: "in" },
  hasActivation: true,
  fan: ({ fanMode }) => fanMode,
  formula: ({ varianceGain }, fan) => scaled(distribution, varianceGain, fan, Math.sqrt(varianceGain)),
});

/** @type {(structure: Structure) => Scheme} */
const matrix = (structure) => ({
  takes: { gain: 1 },
  structure,
  formula: ({ gain }) => ({ parameters: null, gain }),
});

/** @type {Record<string, Scheme>} */
export const SCHEMES = {
  zeros: { takes: {}, formula: () => constant(0) },
  ones: { takes: {}, formula: () => constant(1) },
  constant: { takes: { value: REQUIRED }, formula: ({ value }) => constant(value) },
  uniform: {
    takes: { low: 0, high: 1 },
    formula: ({ low, high }) => ({ parameters: { distribution: "uniform", mean: 0, stddev: 0, low, high } }),
  },
  normal: {
    takes: { mean: 0, stddev: 1 },
    formula: ({ mean, stddev }) => ({ parameters: { distribution: "normal", mean, stddev, low: 0, high: 0 } }),
  },
  truncated_normal: {
    takes: { mean: 0, stddev: 1, low: -2, high: 2 },
    formula: ({ mean, stddev, low, high }) => ({
      parameters: { distribution: "truncated_normal", mean, stddev, low, high },
    }),
  },
  xavier_uniform: xavier("uniform"),
  xavier_normal: xavier("normal"),
  he_uniform: he("uniform"),
  he_normal: he("normal"),
  lecun_uniform: lecun("uniform"),
  lecun_normal: lecun("normal"),
  variance_scaling: {
    takes: { scale: 1, fanMode: "in", distribution: "truncated_normal" },
    fan: ({ fanMode }) => fanMode,
    formula: ({ scale, distribution }, fan) => scaled(distribution, scale, fan, Math.sqrt(scale)),
  },
  variance_preserving_uniform: variancePreserving("uniform"),
  variance_preserving_normal: variancePreserving("normal"),
  identity: { ...matrix("diagonal"), rank: [2, 2], ungrouped: true },
  dirac: { takes: {}, rank: [3, 5], structure: "diagonal", formula: () => ({ parameters: null, gain: 1 }) },
  orthogonal: { ...matrix("orthogonal"), rank: [2, Infinity] },
  delta_orthogonal: { ...matrix("orthogonal_centre"), rank: [3, 5], ungrouped: true },
  sparse: {
    takes: { sparsity: REQUIRED, stddev: 0.01 },
    rank: [2, 2],
    ungrouped: true,
    structure: "sparse",
    formula: ({ sparsity, stddev }) => ({
      parameters: { distribution: "normal", mean: 0, stddev, low: 0, high: 0 },
      sparsity,
    }),
  },
  log_of_uniform: {
    takes: { low: 1, high: 16 },
    structure: "log_of_uniform",
    formula: ({ low, high }) => ({ parameters: { distribution: "uniform", mean: 0, stddev: 0, low, high } }),
  },
  inverse_softplus: {
    takes: { low: 0.001, high: 0.1 },
    structure: "inverse_softplus",
    formula: ({ low, high }) => ({
      parameters: { distribution: "uniform", mean: 0, stddev: 0, low: naturalLog(low), high: naturalLog(high) },
    }),
  },
};

/** @param {number} slope */
const rectifierGain = (slope) => 2 / (1 + slope * slope);

/**
 * Activations: the scheme used with each, how it responds, the default of its negative
 * slope, if that is a parameter, and its gain of variance, 1 / E[f(z)^2] with z
 * standard normal; softmax, which is no function of one number, has none.
 *
 * @type {Record<string, {recommended: string, response: "saturating" | "rectifying" | "other", negativeSlope?: number,
 *     varianceGain?: (slope: number) => number}>}
 */
export const ACTIVATIONS = {
  linear: { recommended: "xavier_normal", response: "other", varianceGain: () => 1 },
  sigmoid: { recommended: "xavier_normal", response: "saturating", varianceGain: () => 3.408559841623103 },
  tanh: { recommended: "xavier_normal", response: "saturating", varianceGain: () => 2.5361754332174535 },
  softmax: { recommended: "xavier_normal", response: "saturating" },
  relu: { recommended: "he_normal", response: "rectifying", varianceGain: () => 2 },
  leaky_relu: { recommended: "he_normal", response: "rectifying", negativeSlope: 0.01, varianceGain: rectifierGain },
  swish: { recommended: "he_normal", response: "rectifying", varianceGain: () => 2.810761124074471 },
  gelu: { recommended: "he_normal", response: "rectifying", varianceGain: () => 2.351715614073373 },
  elu: { recommended: "he_normal", response: "rectifying", varianceGain: () => 1.5505188080679273 },
  mish: { recommended: "he_normal", response: "rectifying", varianceGain: () => 2.210715729937989 },
  prelu: { recommended: "he_normal", response: "rectifying", negativeSlope: 0.25, varianceGain: rectifierGain },
  selu: { recommended: "lecun_normal", response: "other", varianceGain: () => 1 },
};

/**
 * Parameters that are numbers: the lowest that each may be, and whether it may be
 * that; the highest, if there is one.
 *
 * @type {Record<string, {lowest: number, allowed: boolean, highest?: number}>}
 */
export const NUMBER_PARAMETERS = {
  gain: { lowest: 0, allowed: false },
  negativeSlope: { lowest: -Infinity, allowed: true },
  mean: { lowest: -Infinity, allowed: true },
  stddev: { lowest: 0, allowed: true },
  low: { lowest: -Infinity, allowed: true },
  high: { lowest: -Infinity, allowed: true },
  value: { lowest: -Infinity, allowed: true },
  scale: { lowest: 0, allowed: false },
  sparsity: { lowest: 0, allowed: true, highest: 1 },
};

/**
 * The values of the other enums.
 *
 * @type {Record<string, string[]>}
 */
export const CHOICES = {
  scheme: Object.keys(SCHEMES),
  activation: Object.keys(ACTIVATIONS),
  dtype: ["float32", "float64", "float16", "bfloat16"],
  layout: ["out_in", "in_out"],
  role: ["weight", "bias", "norm_scale", "embedding", "running_mean", "running_variance"],
  fanMode: ["in", "out", "average", "geometric"],
  distribution: ["uniform", "normal", "truncated_normal"],
};

/**
 * The schemes of the roles that stand for one; of others it is the activation's.
 *
 * @type {Record<string, string>}
 */
export const SCHEME_OF_ROLE = {
  bias: "zeros",
  norm_scale: "ones",
  embedding: "normal",
  running_mean: "zeros",
  running_variance: "ones",
};

/**
 * The element type of each dtype, and its largest finite value.
 *
 * @type {Record<string, {array: Float32ArrayConstructor | Float64ArrayConstructor | Uint16ArrayConstructor, bytes: number, largest: number}>}
 */
export const DTYPES = {
  float32: { array: Float32Array, bytes: 4, largest: 3.4028234663852886e38 },
  float64: { array: Float64Array, bytes: 8, largest: Number.MAX_VALUE },
  float16: { array: Uint16Array, bytes: 2, largest: 65504 },
  bfloat16: { array: Uint16Array, bytes: 2, largest: 3.3895313892515355e38 },
};
