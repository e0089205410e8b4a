// How large a signal is, layer by layer, where the layers are wide: as
// core/plan/mean_field.h, which has the formula and where it is from.

import { normalPdf } from "./normal_tail.js";
import { ACTIVATIONS } from "./tables.js";

/** Within how many layers a signal has to keep its size, and the factor by which its RMS may change in them. */
const LAYERS_LOOKED_AT = 20;
export const TOLERABLE_FACTOR = 10;

// The tables have the logarithm of q from -4.8 to 4.8.
const SPACING = 0.1;
const NODES = 48;

const sigmoid = (/** @type {number} */ z) => 1 / (1 + Math.exp(-z));
const elu = (/** @type {number} */ z) => (z > 0 ? z : Math.expm1(z));

/**
 * E[f(sqrt(q) z)^2], z standard normal, by the trapezoidal rule.
 *
 * @param {(z: number) => number} f
 * @returns {(q: number) => number}
 */
const meanSquare = (f) => (q) => {
  const step = 1 / 32;
  const root = Math.sqrt(q);
  let sum = 0;
  for (let i = -8 * 32; i <= 8 * 32; ++i) sum += step * normalPdf(step * i) * f(root * step * i) ** 2;
  return sum;
};

/** @type {Record<string, (q: number) => number>} */
const MEAN_SQUARES = {
  sigmoid: meanSquare(sigmoid),
  tanh: meanSquare(Math.tanh),
  swish: meanSquare((z) => z * sigmoid(z)),
  gelu: (q) => q * (0.25 + (Math.asin(q / (1 + q)) + (2 * q) / ((1 + q) * Math.sqrt(1 + 2 * q))) / (2 * Math.PI)),
  elu: meanSquare(elu),
  mish: meanSquare((z) => z * Math.tanh(Math.log1p(Math.exp(z)))),
  selu: meanSquare((z) => 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * Math.expm1(z))),
};

/**
 * Logarithms of the mean squares of an activation, made when it is first met.
 *
 * @type {Map<string, Float64Array>}
 */
const tables = new Map();

/** @param {string} activation */
function tableOf(activation) {
  let table = tables.get(activation);
  if (table === undefined) {
    table = Float64Array.from({ length: 2 * NODES + 1 }, (_, k) =>
      Math.log(MEAN_SQUARES[activation](Math.exp(SPACING * (k - NODES)))),
    );
    tables.set(activation, table);
  }
  return table;
}

/**
 * log E[f(sqrt(q) z)^2], from log q.
 *
 * @param {string} activation
 * @param {number} slope
 * @param {number} logQ
 */
function logMeanSquare(activation, slope, logQ) {
  if (!Object.hasOwn(MEAN_SQUARES, activation)) {
    // Straight on both sides of 0, so that q is a factor.
    return logQ - Math.log(ACTIVATIONS[activation].varianceGain?.(slope) ?? 1);
  }
  const table = tableOf(activation);
  const place = logQ / SPACING + NODES;
  const node = Math.min(Math.max(Math.floor(place), 1), 2 * NODES - 2);
  const t = place - node;
  return (
    (((t + 1) * (1 - t) * (2 - t)) / 2) * table[node] +
    ((t * (t + 1) * (2 - t)) / 2) * table[node + 1] -
    ((t * (1 - t) * (2 - t)) / 6) * table[node - 1] -
    ((t * (t + 1) * (1 - t)) / 6) * table[node + 2]
  );
}

/**
 * A signal in a stack of equal layers: the factor of its variance in the first one,
 * and after how many layers its RMS has changed by TOLERABLE_FACTOR, if it has.
 *
 * @param {string} activation a function of one number
 * @param {number} slope
 * @param {number} variance fan_in Var(w)
 * @returns {{firstFactor: number, depth?: number, grows: boolean}}
 */
export function followSignal(activation, slope, variance) {
  // A signal that just reaches the limit has done so, whatever the last bits.
  const limit = 2 * Math.log(TOLERABLE_FACTOR) - 1e-6;
  let firstFactor = 1;
  let logQ = 0;
  for (let depth = 1; depth <= LAYERS_LOOKED_AT; ++depth) {
    const before = logQ;
    logQ = Math.log(variance) + logMeanSquare(activation, slope, before);
    if (depth === 1) firstFactor = Math.exp(logQ);
    if (Math.abs(logQ) >= limit) return { firstFactor, depth, grows: logQ > 0 };
    // It stays there.
    if (Math.abs(logQ - before) < 1e-9) break;
  }
  return { firstFactor, grows: false };
}
