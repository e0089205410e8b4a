// What an experienced user would remark on a request, in the words of
// core/plan/advisories.cc, which has the reasons.

import { followSignal, TOLERABLE_FACTOR } from "./mean_field.js";
import { resolveScheme } from "./scheme.js";
import { ACTIVATIONS } from "./tables.js";
import { sixDigits, Violations } from "./violations.js";

/**
 * @typedef {import("./resolve.js").Plan} Plan
 * @typedef {{code: string, message: string}} Advisory
 */

/** How far from the recommended standard deviation is remarkable, where depth says nothing. */
const TOO_FAR = 10;

/**
 * Three significant digits; a tie goes up, whatever the last bits.
 *
 * @param {number} x at least 0
 */
function rounded(x) {
  if (x < 1e-300 || !Number.isFinite(x)) return x;
  const nudged = x * (1 + 1e-9);
  const unit = 10 ** (Math.floor(Math.log10(nudged)) - 2);
  return Math.floor(nudged / unit + 0.5) * unit;
}

/**
 * `scheme` with its defaults, in the place of the plan's.
 *
 * @param {Plan} plan
 * @param {string} scheme
 */
function inPlaceOf({ activation, fans }, scheme) {
  const { parameters, gain = 1 } = resolveScheme(scheme, activation, {}, fans, "", new Violations());
  return { stddev: parameters?.stddev ?? 0, gain };
}

/**
 * By the mean-field recursion through a stack of layers like the plan's.
 *
 * @param {Plan} plan
 * @param {import("./read.js").Given} given its parameters
 * @returns {Advisory | undefined}
 */
function byDepth(plan, given) {
  const { activation, gain, fans } = plan;
  const scheme = plan.scheme ?? "";
  const { recommended, response, negativeSlope = 0 } = ACTIVATIONS[activation];
  const slope = Number(given.negativeSlope ?? negativeSlope);
  const { stddev } = plan.theory;
  const variance = gain === undefined ? Number(fans.fanIn ?? 1n) * stddev * stddev : gain * gain;
  const { firstFactor, depth, grows } = followSignal(activation, slope, variance);
  if (depth === undefined) return undefined;

  const ideal = inPlaceOf(plan, recommended);
  const idealVariance = ideal.gain * ideal.gain;
  const asRecommended = Math.abs(variance / idealVariance - 1) < 0.01;
  const idealDeparts = asRecommended || followSignal(activation, slope, idealVariance).depth !== undefined;
  const better = idealDeparts ? "variance_preserving_normal" : recommended;
  const what =
    ": in a stack of such layers without normalisation, the first multiplies the variance of the signal by " +
    `${sixDigits(rounded(firstFactor))}, and after ${depth} ${depth === 1 ? "layer" : "layers"} its RMS is ` +
    (grows ? `${TOLERABLE_FACTOR} times as large` : "below a tenth");
  const instead = `; take ${better} (stddev ${sixDigits(inPlaceOf(plan, better).stddev)})`;
  const which = `${scheme} before ${activation}`;
  const spread = `stddev ${sixDigits(stddev)} of ${which}${what}`;
  if (grows) return { code: "stddev_too_high", message: `${spread}: signals may explode${instead}` };
  if (asRecommended) {
    const message = `${which}, as recommended, fades in depth${what}${instead} where layers are many`;
    return { code: "fades_in_depth", message };
  }
  if (scheme.startsWith("xavier") && response === "rectifying") {
    return { code: "xavier_with_relu", message: which + what + instead };
  }
  return { code: "stddev_too_low", message: `${spread}: signals may vanish${instead}` };
}

/**
 * @param {Plan} plan
 * @returns {Advisory | undefined}
 */
function byStddev(plan) {
  const { activation } = plan;
  const { recommended } = ACTIVATIONS[activation];
  const { stddev } = plan.theory;
  const ideal = inPlaceOf(plan, recommended).stddev;
  const ratio = stddev / ideal;
  const high = ratio > TOO_FAR;
  if (!high && ratio >= 1 / TOO_FAR) return undefined;
  return {
    code: high ? "stddev_too_high" : "stddev_too_low",
    message:
      `stddev ${sixDigits(stddev)} is ${sixDigits(ratio)} times the ${sixDigits(ideal)} of ${recommended}, ` +
      `recommended for ${activation}: signals may ${high ? "explode" : "vanish"}`,
  };
}

/**
 * About the variance of a tensor whose values are not all equal.
 *
 * @param {Plan} plan
 * @param {import("./read.js").Given} given
 * @returns {Advisory | undefined}
 */
function ofVariance(plan, given) {
  const { activation, structure } = plan;
  const scheme = plan.scheme ?? "";
  const mayBeJudged = structure === undefined || structure.startsWith("orthogonal");
  if (!mayBeJudged || plan.tensorElements === 0) return undefined;
  const { recommended, response, varianceGain } = ACTIVATIONS[activation];
  if (scheme.startsWith("he_") && response === "saturating") {
    return {
      code: "he_with_saturating",
      message:
        `${scheme} before ${activation}: its variance is meant for rectified units and drives this one towards ` +
        `saturation; ${recommended} is recommended`,
    };
  }
  const judgedByDepth = activation !== "linear" && varianceGain !== undefined && plan.theory.mean === 0;
  // Others of low rank are biases and scales.
  if (plan.shape.length < 2 && !(judgedByDepth && scheme.startsWith("xavier"))) return undefined;
  return judgedByDepth ? byDepth(plan, given) : byStddev(plan);
}

/**
 * By the last part of the name, "bias_ih_l0" of "encoder.lstm.bias_ih_l0".
 *
 * @param {string} name
 */
const isNameOfBias = (name) => /(bias|beta)[^./]*$/i.test(name);

/**
 * @param {Plan} plan a tensor without parts
 * @param {import("./read.js").Spec} spec what was asked for
 * @returns {Advisory[]}
 */
export function advisoriesOf(plan, spec) {
  const rank = plan.shape.length;
  const { role, theory } = plan;
  /** @type {Advisory[]} */
  const advisories = [];
  if (rank < 2 && spec.scheme === undefined && role === "" && !isNameOfBias(plan.name)) {
    advisories.push({
      code: "role_not_said",
      message:
        `all values of this rank-${rank} tensor are 0, as those of a bias; say its scheme, or its role: ` +
        "norm_scale for what a normalisation multiplies by, bias if it is a bias",
    });
  }
  if (plan.name === "" && rank >= 2 && theory.stddev > 0 && plan.structure !== "diagonal") {
    advisories.push({
      code: "name_empty",
      message: "the tensor has no name; another one of this shape and seed without a name has the same values",
    });
  }
  // Units of a layer are not told apart by the values of a bias or a scale.
  if (!["", "weight", "embedding"].includes(role)) return advisories;
  if (rank >= 2 && theory.stddev === 0) {
    const { recommended } = ACTIVATIONS[plan.activation];
    advisories.push({
      code: "symmetry_not_broken",
      message:
        `all values of this rank-${rank} tensor are equal, so all units of the layer stay equal in training; ` +
        `${recommended} is recommended`,
    });
  } else {
    advisories.push(...[ofVariance(plan, spec.parameters) ?? []].flat());
  }
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
