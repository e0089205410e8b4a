// A plan as the service describes it: TensorDescription of
// proto/weightinit/v1/tensor.proto, with names in camel case.

import { isMapped } from "./mapped.js";
import { DTYPES } from "./tables.js";

/**
 * @typedef {import("./resolve.js").Plan} Plan
 * @typedef {import("./types.d.ts").TensorDescription} TensorDescription
 */

/**
 * @param {number} low
 * @param {number} high
 */
const joined = (low, high) => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** @param {import("./sampler.js").Parameters} d */
function parametersOf({ distribution, mean, stddev, low, high }) {
  if (distribution === "constant") return { distribution, mean };
  if (distribution === "uniform") return { distribution, low, high };
  if (distribution === "normal") return { distribution, mean, stddev };
  return { distribution, mean, stddev, low, high };
}

/** @param {bigint} fan */
const numberOf = (fan) => (fan <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(fan) : fan);

/**
 * @param {Plan} plan
 * @returns {TensorDescription}
 */
export function describePlan(plan) {
  const { fans, stream, parameters } = plan;
  const whole = plan.slice.every(({ start, stop }, d) => start === 0 && stop === plan.shape[d]);
  const description = {
    name: plan.name,
    shape: plan.shape,
    sliceShape: plan.slice.map(({ start, stop }) => stop - start),
    slice: whole ? null : plan.slice.map(({ start, stop }) => [start, stop]),
    scheme: plan.scheme,
    role: plan.role === "" ? null : plan.role,
    activation: plan.activation,
    dtype: plan.dtype,
    layout: plan.layout,
    generator: "philox4x32_v1",
    seed: plan.seed,
    fanIn: fans.fanIn === undefined ? null : numberOf(fans.fanIn),
    fanOut: fans.fanOut === undefined ? null : numberOf(fans.fanOut),
    gain: plan.gain ?? null,
    parameters: parameters === null || isMapped(plan) ? null : parametersOf(parameters),
    mean: plan.theory.mean,
    stddev: plan.theory.stddev,
    low: plan.theory.low ?? null,
    high: plan.theory.high ?? null,
    tensorElements: plan.tensorElements,
    elements: plan.elements,
    bytes: plan.elements * DTYPES[plan.dtype].bytes,
    operations: plan.operations,
    zerosPerColumn: plan.zerosPerColumn,
    key: stream === null ? 0n : joined(stream.k0, stream.k1),
    stream: stream === null ? 0n : joined(stream.s0, stream.s1),
    advisories: plan.advisories,
    axis: plan.axis,
    stacked: plan.stacked,
    parts: plan.parts.map(describePlan),
  };
  return /** @type {TensorDescription} */ (description);
}
