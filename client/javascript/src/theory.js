// What follows from a distribution without drawing from it: mean, standard
// deviation and bounds, and advisories.

import { normalPdf } from "./normal_tail.js";
import { normalMass, resolveScheme } from "./scheme.js";
import { ACTIVATIONS } from "./tables.js";
import { sixDigits, Violations } from "./violations.js";

/**
 * @typedef {import("./resolve.js").Plan} Plan
 * @typedef {{mean: number, stddev: number, low?: number, high?: number}} Theory
 * @typedef {{code: string, message: string}} Advisory
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
 * @param {import("./diagonal.js").Matrix & {rows: number}} matrix
 * @param {number} groups
 * @param {number} gain
 * @returns {Theory}
 */
export function theoryOfDiagonal({ rows, groupRows, columns, places }, groups, gain) {
  const elements = rows * columns * places;
  if (elements === 0) return { mean: 0, stddev: 0, low: 0, high: 0 };
  const share = (groups * Math.min(groupRows, columns)) / elements;
  return {
    mean: gain * share,
    stddev: gain * Math.sqrt(share * (1 - share)),
    low: share < 1 ? 0 : gain,
    high: gain,
  };
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

/**
 * @param {Plan} plan a tensor without parts
 * @returns {Advisory[]}
 */
export function advisoriesOf(plan) {
  /** @type {Advisory[]} */
  const advisories = [];
  const { activation } = plan;
  const scheme = plan.scheme ?? "";
  const { recommended, response } = ACTIVATIONS[activation];
  const add = (/** @type {string} */ code, /** @type {string} */ message) => advisories.push({ code, message });
  if (scheme.startsWith("xavier") && response === "rectifying") {
    add(
      "xavier_with_relu",
      `${scheme} before ${activation}: half of the units are zero, so the variance halves in each layer; ` +
        `${recommended} is recommended`,
    );
  }
  if (scheme.startsWith("he_") && response === "saturating") {
    add(
      "he_with_saturating",
      `${scheme} before ${activation}: its variance is meant for rectified units and drives this one towards ` +
        `saturation; ${recommended} is recommended`,
    );
  }
  if (plan.shape.length < 2) return advisories;
  const { stddev } = plan.theory;
  if (stddev === 0) {
    add(
      "symmetry_not_broken",
      `all values of this rank-${plan.shape.length} tensor are equal, so all units of the layer stay equal in ` +
        `training; ${recommended} is recommended`,
    );
    return advisories;
  }
  const ideal = resolveScheme(recommended, activation, {}, plan.fans, "", new Violations()).parameters?.stddev ?? 0;
  const ratio = stddev / ideal;
  const compare = (/** @type {string} */ code, /** @type {string} */ effect) =>
    add(
      code,
      `stddev ${sixDigits(stddev)} is ${sixDigits(ratio)} times the ${sixDigits(ideal)} of ${recommended}, ` +
        `recommended for ${activation}: signals may ${effect}`,
    );
  if (ratio > 10) compare("stddev_too_high", "explode");
  if (ratio < 0.1) compare("stddev_too_low", "vanish");
  return advisories;
}

/**
 * The first advisory of each code, with the part that it is about.
 *
 * @param {Plan[]} parts
 * @returns {Advisory[]}
 */
export function advisoriesOfParts(parts) {
  /** @type {Map<string, Advisory>} */
  const first = new Map();
  for (const part of parts) {
    for (const { code, message } of part.advisories) {
      if (!first.has(code)) first.set(code, { code, message: `part ${part.name}: ${message}` });
    }
  }
  return [...first.values()];
}
