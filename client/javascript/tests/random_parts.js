// Random tensors of parts, as entries of a manifest and as options.

import { CHOICES } from "../src/tables.js";
import { schemesOf, WITH_GAIN } from "./random_requests.js";

/**
 * @typedef {import("./random_requests.js").Random} Random
 * @typedef {{entry: Record<string, any>, options: Record<string, any>}} Both the same in both forms
 */

/**
 * Numbers of at least 0 that add up to `sum`.
 *
 * @param {Random} random
 * @param {number} sum
 * @param {number} count
 */
function partition(random, sum, count) {
  const borders = Array.from({ length: count - 1 }, () => random.integer(0, sum)).sort((a, b) => a - b);
  return [...borders, sum].map((border, i) => border - (borders[i - 1] ?? 0));
}

/**
 * What a tensor or a part says of its values.
 *
 * @param {Random} random
 * @param {number[]} shape
 * @param {string} layout
 * @returns {Both}
 */
function values(random, shape, layout) {
  const ofAll = ["uniform", "normal", "truncated_normal", "ones"];
  const scheme = random.of(shape.length < 2 ? ofAll : schemesOf(shape, layout));
  const activation = random.of(WITH_GAIN);
  if (random.chance(0.3)) return { entry: {}, options: {} };
  if (scheme === "constant") return { entry: { scheme, parameters: { value: 3 } }, options: { scheme, value: 3 } };
  if (scheme === "sparse") {
    const parameters = { sparsity: random.number() };
    return { entry: { scheme, parameters }, options: { scheme, ...parameters } };
  }
  if (scheme === "normal") {
    const parameters = { mean: random.integer(-2, 2), stddev: random.integer(0, 3) };
    return { entry: { scheme, parameters }, options: { scheme, ...parameters } };
  }
  return { entry: { scheme, activation }, options: { scheme, activation } };
}

/**
 * @param {Random} random
 * @param {number[]} shape
 * @param {string} layout
 * @param {string} name
 * @param {number} levels of parts that may follow
 * @returns {Both}
 */
function concatenation(random, shape, layout, name, levels) {
  const axis = random.integer(0, shape.length - 1);
  const stacked = shape[axis] > 0 && shape[axis] < 6 && random.chance(0.4);
  const count = stacked ? shape[axis] : random.integer(1, 4);
  const sizes = stacked ? Array(count).fill(0) : partition(random, shape[axis], count);
  const parts = sizes.map((size, i) => {
    const partShape = shape.flatMap((other, d) => (d !== axis ? [other] : stacked ? [] : [size]));
    const partName = `${name}.${i}`;
    const nested = levels > 0 && partShape.length > 0 && random.chance(0.3);
    // A scheme that every part of it can take, whatever the rank.
    const own = values(random, nested ? [] : partShape, layout);
    const sized = { name: partName, ...(stacked ? {} : { size }) };
    if (nested) {
      const inner = concatenation(random, partShape, layout, partName, levels - 1);
      return {
        entry: { ...sized, ...own.entry, concatenation: inner.entry },
        options: { ...sized, ...own.options, concatenation: inner.options },
      };
    }
    return { entry: { ...sized, ...own.entry }, options: { ...sized, ...own.options } };
  });
  const common = { axis, stacked };
  return {
    entry: { ...common, parts: parts.map(({ entry }) => entry) },
    options: { ...common, parts: parts.map(({ options }) => options) },
  };
}

/**
 * @param {Random} random
 * @param {string} name
 * @returns {Both}
 */
export function tensorOfParts(random, name) {
  const shape = Array.from({ length: random.integer(1, 4) }, () => random.integer(random.chance(0.05) ? 0 : 1, 9));
  const [layout, dtype] = [random.of(CHOICES.layout), random.of(CHOICES.dtype)];
  const own = values(random, [], layout);
  const inner = concatenation(random, shape, layout, name, 2);
  return {
    entry: { name, tensor: { shape, dtype, fan: { layout }, ...own.entry, concatenation: inner.entry } },
    options: { name, shape, dtype, layout, ...own.options, concatenation: inner.options },
  };
}
