// Random valid requests, the same ones in every run.

import { dimensionsOf } from "../src/matrix.js";
import { ACTIVATIONS, CHOICES, REQUIRED, SCHEMES } from "../src/tables.js";

/** A small generator of numbers (mulberry32). */
export class Random {
  /** @param {number} seed */
  constructor(seed) {
    this.state = seed;
  }

  /** From 0 to 1. */
  number() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  }

  /**
   * @param {number} low
   * @param {number} high the highest one
   */
  integer(low, high) {
    return low + Math.floor(this.number() * (high - low + 1));
  }

  /**
   * @template T
   * @param {readonly T[]} list
   * @returns {T}
   */
  of(list) {
    return list[this.integer(0, list.length - 1)];
  }

  /** @param {number} probability */
  chance(probability) {
    return this.number() < probability;
  }
}

/**
 * Whether a matrix can lie at the centre of a kernel.
 *
 * @param {number[]} shape
 * @param {string} layout
 */
function hasCentre(shape, layout) {
  const { first, second, spatial } = dimensionsOf(shape.length, layout);
  return shape[second] <= shape[first] && spatial.every((d) => shape[d] % 2 === 1);
}

/**
 * The schemes for tensors of a shape.
 *
 * @param {number[]} shape
 * @param {string} layout
 */
export const schemesOf = (shape, layout) =>
  CHOICES.scheme.filter((name) => {
    const rank = shape.length;
    const [lowest, highest] = SCHEMES[name].rank ?? [0, rank];
    const hasRank = rank >= lowest && rank <= highest;
    return hasRank && (SCHEMES[name].structure !== "orthogonal_centre" || hasCentre(shape, layout));
  });

/** Those that every scheme takes. */
export const WITH_GAIN = CHOICES.activation.filter((name) => ACTIVATIONS[name].varianceGain !== undefined);

/**
 * @param {Random} random
 * @param {string} scheme
 * @param {string | undefined} activation
 */
function parametersOf(random, scheme, activation) {
  /** @type {Record<string, any>} */
  const parameters = {};
  const maybe = (/** @type {string} */ name, /** @type {() => any} */ value) => {
    if (
      Object.hasOwn(SCHEMES[scheme].takes, name) &&
      (SCHEMES[scheme].takes[name] === REQUIRED || random.chance(0.6))
    ) {
      parameters[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value();
    }
  };
  maybe("gain", () => 0.01 + 3 * random.number());
  const { hasActivation = false } = SCHEMES[scheme];
  if (activation === undefined ? !hasActivation : ACTIVATIONS[activation].negativeSlope !== undefined) {
    maybe("negativeSlope", () => random.number() - 0.3);
  }
  maybe("mean", () => random.of([0, -0, 0.5, -3, 1e-3, 100 * random.number()]));
  maybe("stddev", () => random.of([0, 1, 0.02, 2 * random.number()]));
  maybe("value", () => random.of([0, -0, 1 / 3, -1e4 * random.number(), 1e-7]));
  maybe("scale", () => 0.01 + 5 * random.number());
  maybe("sparsity", () => random.of([0, 1, 0.5, random.number()]));
  maybe("fanMode", () => random.of(CHOICES.fanMode));
  maybe("distribution", () => random.of(CHOICES.distribution));
  if (scheme === "uniform" || (scheme === "truncated_normal" && random.chance(0.7))) {
    const low = random.of([-2, 0, 1, 9, -30 * random.number(), 8 * random.number()]);
    parameters.low = low;
    parameters.high = low + random.of([1, 2, 0.5 + 10 * random.number()]);
  }
  if ((scheme === "log_of_uniform" || scheme === "inverse_softplus") && random.chance(0.7)) {
    parameters.low = random.of([1e-8, 0.5, 1, 3 * random.number() + 0.01]);
    parameters.high = parameters.low + random.of([0.001, 1, 90 * random.number() + 0.01]);
  }
  return parameters;
}

/**
 * A tensor of up to a few thousand elements, or a slice of a larger one, with the
 * keys of weightinit-generate.
 *
 * @param {Random} random
 */
export function randomRequest(random) {
  const rank = random.of([0, 1, 1, 2, 2, 2, 3, 4, 5]);
  const far = rank > 0 && random.chance(0.15);
  const longest = [1, 5000, 70, 16, 8, 5][rank];
  const shape = Array.from({ length: rank }, () =>
    far ? random.integer(1, Math.floor(2 ** (40 / rank))) : random.integer(random.chance(0.03) ? 0 : 1, longest),
  );
  const layout = random.of(CHOICES.layout);
  const { first, second, spatial } = dimensionsOf(rank, layout);
  if (rank >= 3 && random.chance(0.2)) {
    for (const d of spatial) shape[d] |= 1;
    [shape[first], shape[second]] = [shape[first], shape[second]].sort((a, b) => b - a);
  }
  // What takes more work than that of its elements is for small ones.
  const schemes = schemesOf(shape, layout).filter(
    (name) => !far || (SCHEMES[name].structure ?? "diagonal") === "diagonal",
  );
  const scheme = random.chance(0.15) ? undefined : random.of(schemes);
  const activations = scheme !== undefined && SCHEMES[scheme].hasActivation ? WITH_GAIN : CHOICES.activation;
  const activation = random.chance(0.4) ? undefined : random.of(activations);
  const grouped = scheme === undefined || !SCHEMES[scheme].ungrouped;
  const groups = rank >= 2 && grouped && shape[first] % 2 === 0 && random.chance(0.3) ? 2 : 1;
  /** @type {Record<string, any>} */
  const request = {
    name: random.of(["", "fc1.weight", "größe.重み.🎲", "x".repeat(random.integer(1, 300))]),
    shape,
    layout,
    dtype: random.of(CHOICES.dtype),
    seed: random.of([0, 42, 2 ** 32, 2n ** 64n - 1n, random.integer(0, 2 ** 52)]),
    groups,
    transposed: rank >= 2 && random.chance(0.2),
  };
  if (activation !== undefined) request.activation = activation;
  if (scheme !== undefined) {
    request.scheme = scheme;
    request.parameters = parametersOf(random, scheme, activation);
  }
  if (rank < 2 || random.chance(0.1)) {
    request.fan_in = random.of([1, 7, 768, 2n ** 62n + 1n]);
    request.fan_out = random.of([1, 11, 3072, 2n ** 53n + 1n]);
  }
  if (far || random.chance(0.4)) {
    const most = far ? Math.ceil(2000 ** (1 / rank)) : Infinity;
    request.slice = shape.map((size) => {
      const start = random.integer(0, size);
      const stop = random.integer(start, Math.min(size, start + most));
      return [start, stop === size && random.chance(0.3) ? null : stop];
    });
    const elements = request.slice.reduce(
      (/** @type {number} */ product, /** @type {[number, number | null]} */ [start, stop], /** @type {number} */ d) =>
        product * ((stop ?? shape[d]) - start),
      1,
    );
    if (random.chance(0.3)) request.first_element = random.integer(0, elements);
  }
  return request;
}
