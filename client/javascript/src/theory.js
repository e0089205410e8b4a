// What follows from a distribution without drawing from it: mean, standard
// deviation, bounds and what it costs.

import { inverseSoftplusOfExp, naturalLog } from "./mapped.js";
import { dimensionsOf, matrixOf } from "./matrix.js";
import { normalPdf } from "./normal_tail.js";
import { normalMass } from "./scheme.js";

/**
 * @typedef {import("./resolve.js").Plan} Plan
 * @typedef {import("./matrix.js").Matrix} Matrix
 * @typedef {import("./sampler.js").Parameters} Parameters
 * @typedef {{mean: number, stddev: number, low?: number, high?: number}} Theory
 */

/**
 * Mean and standard deviation of a standard normal truncated to [low, high].
 *
 * @param {number} low
 * @param {number} high
 */
function truncatedStandard(low, high) {
  const width = high - low;
  if (width * Math.max(1, Math.abs(low), Math.abs(high)) < 1e-3) {
    // The density is nearly even, and the formulas below would cancel.
    return { mean: low + 0.5 * width, stddev: width / Math.sqrt(12) };
  }
  const mass = normalMass(low, high);
  const [pdfLow, pdfHigh] = [normalPdf(low), normalPdf(high)];
  const mean = (pdfLow - pdfHigh) / mass;
  const variance = 1 + (low * pdfLow - high * pdfHigh) / mass - mean * mean;
  return { mean, stddev: Math.sqrt(Math.max(variance, 0)) };
}

/**
 * @param {import("./sampler.js").Parameters} d
 * @returns {Theory}
 */
export function theoryOf(d) {
  if (d.distribution === "uniform") {
    const { low, high } = d;
    return { mean: low * 0.5 + high * 0.5, stddev: (high - low) / Math.sqrt(12), low, high };
  }
  if (d.distribution === "normal") return { mean: d.mean, stddev: d.stddev };
  if (d.distribution === "constant") return { mean: d.mean, stddev: 0, low: d.mean, high: d.mean };
  const standard = truncatedStandard(d.low, d.high);
  return {
    mean: d.mean + d.stddev * standard.mean,
    stddev: d.stddev * standard.stddev,
    low: d.mean + d.stddev * d.low,
    high: d.mean + d.stddev * d.high,
  };
}

/**
 * That of a tensor with its gain on a diagonal.
 *
 * @param {Matrix} matrix
 * @param {number} groups
 * @param {number} gain
 * @returns {Theory}
 */
function theoryOfDiagonal({ rows, columns, places }, groups, gain) {
  const share = (groups * Math.min(rows / groups, columns)) / (rows * columns * places);
  return {
    mean: gain * share,
    stddev: gain * Math.sqrt(share * (1 - share)),
    low: share < 1 ? 0 : gain,
    high: gain,
  };
}

/**
 * That of a tensor that has a structure, and its scheme.
 *
 * @param {Plan} plan
 * @returns {Theory}
 */
export function theoryOfStructure(plan) {
  const { structure, parameters } = plan;
  if (structure === "log_of_uniform") return theoryOfLog(/** @type {Parameters} */ (parameters));
  if (structure === "inverse_softplus") return theoryOfInverseSoftplus(/** @type {Parameters} */ (parameters));
  return theoryOfMatrix(plan);
}

/**
 * ln u, u uniform.
 *
 * @param {Parameters} parameters
 * @returns {Theory}
 */
function theoryOfLog({ low, high }) {
  const a = naturalLog(low);
  const b = naturalLog(high);
  if (high < 1.01 * low) {
    // Nearly straight, and the formulas below would cancel.
    const middle = low * 0.5 + high * 0.5;
    return { mean: naturalLog(middle), stddev: (high - low) / Math.sqrt(12) / middle, low: a, high: b };
  }
  // The integrals of ln u and of its square.
  const mean = (high * b - low * a) / (high - low) - 1;
  const square = (high * (b * b - 2 * b + 2) - low * (a * a - 2 * a + 2)) / (high - low);
  return { mean, stddev: Math.sqrt(Math.max(square - mean * mean, 0)), low: a, high: b };
}

/**
 * ln(e^x - 1), ln x uniform; by Simpson's rule.
 *
 * @param {Parameters} parameters
 * @returns {Theory}
 */
function theoryOfInverseSoftplus({ low, high }) {
  const intervals = 256;
  let mean = 0;
  let square = 0;
  for (let i = 0; i <= intervals; ++i) {
    const inner = i % 2 === 1 ? 4 : 2;
    const weight = i === 0 || i === intervals ? 1 : inner;
    const value = inverseSoftplusOfExp(low + ((high - low) / intervals) * i);
    mean += (weight * value) / (3 * intervals);
    square += (weight * value * value) / (3 * intervals);
  }
  return {
    mean,
    stddev: Math.sqrt(Math.max(square - mean * mean, 0)),
    low: inverseSoftplusOfExp(low),
    high: inverseSoftplusOfExp(high),
  };
}

/**
 * That of a matrix.
 *
 * @param {Plan} plan
 * @returns {Theory}
 */
function theoryOfMatrix({ shape, layout, groups, structure, gain = 1, parameters, zerosPerColumn }) {
  if (shape.includes(0)) return { mean: 0, stddev: 0, low: 0, high: 0 };
  const matrix = matrixOf(shape, layout);
  if (structure === "diagonal") return theoryOfDiagonal(matrix, groups, gain);
  const { rows, columns, places } = matrix;
  if (structure === "sparse") {
    return { mean: 0, stddev: (parameters?.stddev ?? 0) * Math.sqrt(1 - zerosPerColumn / rows) };
  }
  // Each vector of the shorter dimension has the length gain.
  const size = structure === "orthogonal" ? Math.max(rows, columns * places) : rows * places;
  return { mean: 0, stddev: gain / Math.sqrt(size), low: -gain, high: gain };
}

/**
 * Floating-point operations that the slice of an orthogonal tensor takes.
 *
 * @param {Plan} plan
 */
function operationsOfMatrix({ shape, layout, slice, structure }) {
  if (slice.some(({ start, stop }) => start === stop)) return 0;
  const { first, second, spatial } = dimensionsOf(shape.length, layout);
  const { rows, columns, places } = matrixOf(shape, layout);
  const whole = structure === "orthogonal";
  const width = whole ? columns * places : columns;
  let { start, stop } = slice[first];
  if (rows > width) {
    ({ start, stop } = slice[second]);
    // From the first place of the slice to its last one.
    for (const d of whole ? spatial : []) {
      start = start * shape[d] + slice[d].start;
      stop = (stop - 1) * shape[d] + slice[d].stop;
    }
  }
  const before = (/** @type {number} */ n) => 2 * n * (n + 1) * (Math.max(rows, width) - (n - 1) / 3);
  return before(stop) - before(start);
}

/**
 * Floating-point operations that a slice takes beside the draws of its elements.
 *
 * @param {Plan} plan
 */
export function operationsOf(plan) {
  const isMatrix = plan.structure === "orthogonal" || plan.structure === "orthogonal_centre";
  const own = isMatrix ? operationsOfMatrix(plan) : 0;
  const operations = plan.parts.reduce((sum, part) => sum + part.operations, own);
  return Math.min(Math.trunc(operations), 2 ** 62);
}

/**
 * Mean, standard deviation and bounds of all values of a tensor of parts.
 *
 * @param {Plan[]} parts
 * @returns {Theory}
 */
export function theoryOfParts(parts) {
  const filled = parts.filter((part) => part.tensorElements > 0);
  const elements = filled.reduce((sum, part) => sum + part.tensorElements, 0);
  if (elements === 0) return { mean: 0, stddev: 0 };
  let [mean, square] = [0, 0];
  for (const part of filled) {
    const share = part.tensorElements / elements;
    mean += share * part.theory.mean;
    square += share * (part.theory.stddev ** 2 + part.theory.mean ** 2);
  }
  /** @type {Theory} */
  const theory = { mean, stddev: Math.sqrt(Math.max(0, square - mean * mean)) };
  const lows = filled.map((part) => part.theory.low ?? Number.NaN);
  const highs = filled.map((part) => part.theory.high ?? Number.NaN);
  if (!lows.some(Number.isNaN)) theory.low = Math.min(...lows);
  if (!highs.some(Number.isNaN)) theory.high = Math.max(...highs);
  return theory;
}
