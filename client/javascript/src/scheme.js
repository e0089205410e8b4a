// From a scheme to a distribution: that section of core/DETERMINISM.md, and what
// the parameters may be.

import { dimensionsOf } from "./matrix.js";
import { normalTail, truncation } from "./normal_tail.js";
import { Sampler } from "./sampler.js";
import { ACTIVATIONS, CHOICES, DTYPES, NUMBER_PARAMETERS, OF_ACTIVATION, REQUIRED, SCHEMES } from "./tables.js";
import { anyOf, shown, sixDigits } from "./violations.js";

/**
 * @typedef {import("./violations.js").Violations} Violations
 * @typedef {import("./read.js").Spec} Spec
 * @typedef {import("./tables.js").Inputs} Inputs
 * @typedef {import("./sampler.js").Parameters} Parameters
 * @typedef {{fanIn?: bigint, fanOut?: bigint}} Fans
 */

/**
 * @param {string} scheme
 * @param {string} activation
 * @param {import("./read.js").Given} given
 * @returns {Inputs}
 */
function inputsOf(scheme, activation, given) {
  /** @type {Record<string, unknown>} */
  const inputs = {};
  for (const [name, otherwise] of Object.entries(SCHEMES[scheme].takes)) {
    const byActivation = ACTIVATIONS[activation].negativeSlope ?? 0;
    inputs[name] = given[name] ?? (otherwise === OF_ACTIVATION ? byActivation : otherwise);
  }
  inputs.varianceGain = ACTIVATIONS[activation].varianceGain?.(Number(inputs.negativeSlope)) ?? 0;
  return /** @type {Inputs} */ (inputs);
}

// What the functions of a uniform number can be computed of.
/** @type {Record<string, [number, number]>} */
const MAPPED_BOUNDS = { log_of_uniform: [1e-300, 1e300], inverse_softplus: [1e-8, 100] };

/**
 * @param {string} scheme
 * @param {{low: number, high: number}} bounds
 * @param {string} path
 * @param {Violations} violations
 */
function checkMappedBounds(scheme, bounds, path, violations) {
  if (!Object.hasOwn(MAPPED_BOUNDS, scheme)) return;
  const [lowest, highest] = MAPPED_BOUNDS[scheme];
  for (const [name, value] of Object.entries(bounds)) {
    if (!Number.isFinite(value) || (value >= lowest && value <= highest)) continue;
    violations.add(
      path + name,
      `is ${sixDigits(value)}; must be from ${sixDigits(lowest)} to ${sixDigits(highest)} for ${scheme}`,
    );
  }
}

/**
 * @param {string} scheme
 * @param {Spec} spec
 * @param {string} path
 * @param {Violations} violations
 */
export function checkParameters(scheme, spec, path, violations) {
  const { takes, hasActivation = false } = SCHEMES[scheme];
  const given = spec.parameters;
  for (const [name, { lowest, allowed, highest = Infinity }] of Object.entries(NUMBER_PARAMETERS)) {
    const value = /** @type {number | undefined} */ (given[name]);
    if (value === undefined) {
      if (takes[name] === REQUIRED) violations.add(path + name, `is required by the scheme ${scheme}`);
    } else if (!Object.hasOwn(takes, name)) {
      violations.add(path + name, `is not taken by the scheme ${scheme}`);
    } else if (!Number.isFinite(value)) {
      violations.add(path + name, `is ${sixDigits(value)}; must be finite`);
    } else if (value < lowest || value > highest || (value === lowest && !allowed)) {
      const from = highest < Infinity ? `from ${lowest} to ${highest}` : `${allowed ? "at least" : "above"} ${lowest}`;
      violations.add(path + name, `is ${sixDigits(value)}; must be ${from}`);
    }
  }
  const { activation } = spec;
  if (
    Object.hasOwn(takes, "negativeSlope") &&
    given.negativeSlope !== undefined &&
    (activation !== undefined ? ACTIVATIONS[activation].negativeSlope === undefined : hasActivation)
  ) {
    const allowed = CHOICES.activation.filter((name) => ACTIVATIONS[name].negativeSlope !== undefined);
    if (!hasActivation) allowed.push("unspecified");
    violations.add(
      `${path}negativeSlope`,
      `is set for an activation without one; the activation must be ${anyOf(allowed)}`,
    );
  }
  if (hasActivation && activation !== undefined && ACTIVATIONS[activation].varianceGain === undefined) {
    violations.add(
      "activation",
      `is ${activation}, which is no function of one number, so that ${scheme} has no gain for it; ` +
        "must be another activation",
    );
  }
  if (Object.hasOwn(takes, "low")) {
    const { low, high } = inputsOf(scheme, "linear", given);
    if (Number.isFinite(low) && Number.isFinite(high) && low >= high) {
      violations.add(
        path + (given.low !== undefined ? "low" : "high"),
        `low is ${sixDigits(low)} and high is ${sixDigits(high)}; low must be below high`,
      );
    }
    checkMappedBounds(scheme, { low, high }, path, violations);
  }
  for (const name of ["fanMode", "distribution"]) {
    const value = given[name];
    if (value === undefined) continue;
    const isConstant = name === "distribution" && value === "constant";
    if (!CHOICES[name].includes(String(value)) && !isConstant) {
      violations.add(path + name, `is ${shown(value)}; must be ${anyOf(CHOICES[name])}`);
    } else if (!Object.hasOwn(takes, name)) {
      violations.add(path + name, `is not taken by the scheme ${scheme}`);
    } else if (isConstant) {
      violations.add(path + name, `is ${value}; must be ${anyOf(CHOICES[name])}`);
    }
  }
}

/**
 * The fan of a mode. A fan below 1 counts as 1: such a tensor has no element, or the
 * fan is a violation.
 *
 * @param {string} mode
 * @param {Fans} fans
 */
function fanOf(mode, fans) {
  const number = (/** @type {bigint | undefined} */ fan) => Math.max(Number(fan ?? 1n), 1);
  const fanIn = number(fans.fanIn);
  const fanOut = number(fans.fanOut);
  if (mode === "in") return fanIn;
  if (mode === "out") return fanOut;
  return mode === "average" ? (fanIn + fanOut) * 0.5 : Math.sqrt(fanIn * fanOut);
}

/**
 * The distribution of valid parameters, and the factor of its standard deviation.
 *
 * @param {string} scheme
 * @param {string} activation
 * @param {import("./read.js").Given} given
 * @param {Fans} fans
 * @param {string} path
 * @param {Violations} violations
 */
export function resolveScheme(scheme, activation, given, fans, path, violations) {
  const row = SCHEMES[scheme];
  const inputs = inputsOf(scheme, activation, given);
  if (row.fan === undefined) return row.formula(inputs, 1);
  const mode = row.fan(inputs);
  for (const [name, needed] of /** @type {const} */ ([
    ["fanIn", mode !== "out"],
    ["fanOut", mode !== "in"],
  ])) {
    if (needed && fans[name] === undefined) {
      violations.add(path + name, `is required: ${scheme} needs it, and a tensor of rank below 2 has none of its own`);
    }
  }
  return row.formula(inputs, fanOf(mode, fans));
}

/**
 * The probability that a standard normal lies in [low, high].
 *
 * @param {number} low
 * @param {number} high above low
 */
export function normalMass(low, high) {
  if (low < 0 && high > 0) return 1 - normalTail(-low) - normalTail(high);
  const { from, to } = truncation(low, high);
  return to - from;
}

/**
 * Adds a violation if the scheme is not for tensors of this rank, if it takes no groups
 * and there are some, or if it needs a matrix at the centre that there can't be.
 *
 * @param {string} scheme
 * @param {Spec} spec
 * @param {string} path
 * @param {Violations} violations
 */
export function checkStructure(scheme, spec, path, violations) {
  const { rank, ungrouped = false, structure } = SCHEMES[scheme];
  if (rank === undefined) return;
  const [lowest, highest] = rank;
  const { shape, groups } = spec;
  if (shape.length < lowest || shape.length > highest) {
    const range = highest === Infinity ? `at least ${lowest}` : `from ${lowest} to ${highest}`;
    const allowed = `${lowest === highest ? lowest : range} for ${scheme}`;
    const what = lowest === 3 ? ", which is for convolutions" : "";
    violations.add(`${path}shape`, `has rank ${shape.length}; must be ${allowed}${what}`);
    return;
  }
  if (ungrouped && groups > 1) violations.add(`${path}groups`, `is ${groups}; must be 1 for ${scheme}`);
  if (structure === "orthogonal_centre") checkCentre(scheme, spec, path, violations);
}

/**
 * Adds a violation if the kernel can't pass all of its inputs on through a centre.
 *
 * @param {string} scheme
 * @param {Spec} spec
 * @param {string} path
 * @param {Violations} violations
 */
function checkCentre(scheme, { shape, layout = "out_in" }, path, violations) {
  const { first, second, spatial } = dimensionsOf(shape.length, layout);
  const [outputs, inputs] = [shape[first], shape[second]];
  if (inputs > outputs) {
    violations.add(
      `${path}shape`,
      `has ${inputs} inputs and ${outputs} outputs; ${scheme} must have no more inputs than outputs`,
    );
  }
  for (const d of spatial) {
    if (shape[d] % 2 === 0) {
      violations.add(
        `${path}shape[${d}]`,
        `is ${shape[d]}; must be odd for ${scheme}, so that the kernel has a centre`,
      );
    }
  }
}

/**
 * Adds a violation if values are not finite in the dtype; whether they are.
 *
 * @param {number} lowest
 * @param {number} highest
 * @param {string} dtype
 * @param {string} field
 * @param {Violations} violations
 */
export function checkFinite(lowest, highest, dtype, field, violations) {
  const limit = DTYPES[dtype].largest;
  if (lowest >= -limit && highest <= limit) return true;
  violations.add(
    field,
    `values from ${sixDigits(lowest)} to ${sixDigits(highest)} are possible; they must be finite in ${dtype}, ` +
      `which ends at ${sixDigits(limit)}`,
  );
  return false;
}

/**
 * Adds a violation if a value that could be drawn is not finite, or if there is none.
 *
 * @param {Parameters} d
 * @param {string} dtype
 * @param {string} path
 * @param {Violations} violations
 */
export function checkDistribution(d, dtype, path, violations) {
  // No normal draw reaches 10 standard deviations.
  const reach = (/** @type {number} */ bound) => Math.min(Math.max(bound, -10), 10);
  let [lowest, highest, field] = [d.mean, d.mean, "value"];
  if (d.distribution === "uniform") {
    [lowest, highest, field] = [d.low, d.high, "high"];
  } else if (d.distribution === "normal") {
    [lowest, highest, field] = [d.mean - 10 * d.stddev, d.mean + 10 * d.stddev, "stddev"];
  } else if (d.distribution === "truncated_normal") {
    [lowest, highest, field] = [d.mean + d.stddev * reach(d.low), d.mean + d.stddev * reach(d.high), "stddev"];
    if (!(normalMass(d.low, d.high) >= 1e-30)) {
      violations.add(
        `${path}low`,
        `the truncation [${sixDigits(d.low)}, ${sixDigits(d.high)}] is empty: it must hold at least 1e-30 of ` +
          "the standard normal distribution",
      );
      return;
    }
  }
  if (!checkFinite(lowest, highest, dtype, path + field, violations)) return;
  const interval = d.distribution === "uniform" || (d.distribution === "truncated_normal" && d.stddev > 0);
  if (!interval) return;
  const precision = dtype === "float64" ? "binary64" : "binary32";
  if (!new Sampler(d, precision, { k0: 0, k1: 0, s0: 0, s1: 0 }).holdsValue()) {
    violations.add(
      `${path}low`,
      `no value of the dtype lies between the bounds ${sixDigits(lowest)} and ${sixDigits(highest)}; ` +
        "they must be further apart",
    );
  }
}
