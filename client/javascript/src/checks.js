// What names, enums, shapes, slices and fans may be.

import { CHOICES } from "./tables.js";
import { shown } from "./violations.js";

/**
 * @typedef {import("./read.js").Spec} Spec
 * @typedef {import("./read.js").Range} Range
 * @typedef {import("./scheme.js").Fans} Fans
 * @typedef {import("./violations.js").Violations} Violations
 */

export const MAX_RANK = 16;
const MAX_NAME_BYTES = 1024;
const MAX_ELEMENTS = 2 ** 40;

/**
 * @param {string} name
 * @param {string} field
 * @param {Violations} violations
 */
export function checkName(name, field, violations) {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > MAX_NAME_BYTES) {
    violations.add(field, `has ${bytes} bytes; must have at most ${MAX_NAME_BYTES}`);
  } else if (/\p{Surrogate}/u.test(name)) {
    violations.add(field, "is not valid UTF-8: a surrogate stands alone");
  }
}

/**
 * @param {string | undefined} value
 * @param {string} otherwise
 * @param {string} name of the enum
 * @param {string} path
 * @param {Violations} violations
 */
export function checkChoice(value, otherwise, name, path, violations) {
  if (value === undefined) return otherwise;
  if (CHOICES[name].includes(value)) return value;
  violations.add(path + name, `is ${shown(value)}; must be one of ${CHOICES[name].join(", ")}`);
  return otherwise;
}

/**
 * The product of the dimensions, or null where the shape is invalid.
 *
 * @param {number[]} shape
 * @param {string} path
 * @param {Violations} violations
 */
export function checkShape(shape, path, violations) {
  const before = violations.list.length;
  if (shape.length > MAX_RANK) {
    violations.add(`${path}shape`, `has rank ${shape.length}; must be at most ${MAX_RANK}`);
    return null;
  }
  let tooLarge = false;
  // Zeros are left out, so that fans stay in range too.
  let product = 1;
  shape.forEach((size, d) => {
    if (size < 0) {
      violations.add(`${path}shape[${d}]`, `is ${size}; must be at least 0`);
    } else if (size > 0) {
      tooLarge ||= product > Math.floor(MAX_ELEMENTS / size);
      if (!tooLarge) product *= size;
    }
  });
  if (tooLarge) {
    violations.add(
      `${path}shape`,
      `the product of the dimensions must be at most ${MAX_ELEMENTS} elements, the limit in force`,
    );
  }
  if (violations.list.length !== before) return null;
  return shape.includes(0) ? 0 : product;
}

/**
 * The ranges in force.
 *
 * @param {Range[]} slice
 * @param {number[]} shape
 * @param {string} path
 * @param {Violations} violations
 */
export function checkSlice(slice, shape, path, violations) {
  const whole = shape.map((size) => ({ start: 0, stop: size }));
  if (slice.length === 0) return whole;
  if (slice.length !== shape.length) {
    violations.add(
      `${path}slice`,
      `has ${slice.length} ranges; must have none, or one for each of the ${shape.length} dimensions`,
    );
    return whole;
  }
  return slice.map(({ start, stop }, d) => {
    const size = shape[d] < 0 ? Number.MAX_SAFE_INTEGER : shape[d];
    const end = stop ?? size;
    const range = `must be from 0 to ${size}, the size of the dimension`;
    if (end < 0 || end > size) violations.add(`${path}slice[${d}].stop`, `is ${end}; ${range}`);
    if (start < 0 || start > size) {
      violations.add(`${path}slice[${d}].start`, `is ${start}; ${range}`);
    } else if (start > end) {
      violations.add(`${path}slice[${d}].start`, `is ${start}; must not be above stop, which is ${end}`);
    }
    return { start, stop: end };
  });
}

/**
 * The fans of a valid shape, or of none: FanSpec of proto/weightinit/v1/tensor.proto.
 *
 * @param {number[] | null} shape
 * @param {Spec} spec
 * @param {string} layout
 * @param {string} path
 * @param {Violations} violations
 * @returns {Fans}
 */
export function resolveFans(shape, spec, layout, path, violations) {
  const { fanIn, fanOut, transposed } = spec;
  if (spec.groups < 0) violations.add(`${path}groups`, `is ${spec.groups}; must be at least 1`);
  for (const [name, fan] of Object.entries({ fanIn, fanOut })) {
    if (fan !== undefined && fan < 1) violations.add(path + name, `is ${fan}; must be at least 1`);
  }
  if (shape === null) return {};
  const rank = shape.length;
  /** @type {(bigint | undefined)[]} */
  let derived = [undefined, undefined];
  if (rank >= 2) {
    const [first, second] = layout === "in_out" ? [rank - 1, rank - 2] : [0, 1];
    const field = BigInt(shape.filter((_, d) => d !== first && d !== second).reduce((a, b) => a * b, 1));
    const groups = BigInt(spec.groups || 1);
    if (groups > 0 && BigInt(shape[first]) % groups !== 0n) {
      violations.add(`${path}groups`, `is ${groups}; must divide shape[${first}], which is ${shape[first]}`);
    }
    const ofFirst = groups > 0 ? (BigInt(shape[first]) / groups) * field : 0n;
    const ofSecond = BigInt(shape[second]) * field;
    derived = transposed ? [ofFirst, ofSecond] : [ofSecond, ofFirst];
  } else {
    if (spec.groups > 1) {
      violations.add(`${path}groups`, `is ${spec.groups}; a tensor of rank ${rank} has no groups`);
    }
    if (transposed) {
      violations.add(`${path}transposed`, `is true; a tensor of rank ${rank} is no transposed convolution`);
    }
  }
  const [ofIn, ofOut] = derived;
  return {
    fanIn: fanIn === undefined ? ofIn : BigInt(fanIn),
    fanOut: fanOut === undefined ? ofOut : BigInt(fanOut),
  };
}
