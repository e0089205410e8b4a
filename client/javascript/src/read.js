// The options of a call, checked to be of the right types and brought to one
// form. What they may be is checked in resolve.js.

import { fill, frameworkScheme } from "./framework_schemes.js";
import { ALIASES, NUMBER_PARAMETERS } from "./tables.js";
import { shown } from "./violations.js";

/**
 * Parameters that were given, by name: numbers, and names of enum values.
 *
 * @typedef {Record<string, number | string>} Given
 * @typedef {{axis: number, stacked: boolean, parts: Spec[]}} Concatenation
 */

/**
 * A tensor or a part. What was not given is undefined, or the default said here.
 *
 * @typedef {object} Spec
 * @property {string} name default ""
 * @property {number[]} shape of a part: empty until it is resolved
 * @property {number} size of a part, default 0
 * @property {string} [scheme]
 * @property {string} [activation]
 * @property {string} [dtype]
 * @property {string} [role]
 * @property {string} [layout]
 * @property {Given} parameters
 * @property {number | bigint} groups default 0, which means 1
 * @property {boolean} transposed
 * @property {number | bigint} [fanIn]
 * @property {number | bigint} [fanOut]
 * @property {Concatenation} [concatenation]
 */

/**
 * @typedef {{start: number, stop?: number}} Range
 * @typedef {{tensor: Spec, seed: bigint, slice: Range[], firstElement: number, elementCount?: number}} Request
 * @typedef {import("./violations.js").Violations} Violations
 */

const PARAMETERS = [...Object.keys(NUMBER_PARAMETERS), "fanMode", "distribution"];
const OF_BOTH = [
  "name",
  "scheme",
  "role",
  "activation",
  "groups",
  "transposed",
  "fanIn",
  "fanOut",
  "concatenation",
  ...PARAMETERS,
];
const OF_TENSOR = ["shape", "dtype", "layout", "seed", "slice", "firstElement", "elementCount", ...OF_BOTH];
const OF_PART = ["size", "layout", ...OF_BOTH];
const OF_CONCATENATION = ["axis", "stacked", "parts"];

/** The largest number of a signed 64-bit field. */
const MAX_INT64 = 2n ** 63n - 1n;
export const MAX_SEED = 2n ** 64n - 1n;

/** Reads the members of one object, each of which may be absent. */
class Reader {
  /**
   * @param {unknown} object
   * @param {string} path "" or with a dot at its end
   * @param {string[]} known
   * @param {Violations} violations
   */
  constructor(object, path, known, violations) {
    this.path = path;
    this.violations = violations;
    this.valid = false;
    /** @type {Record<string, unknown>} */
    this.object = {};
    if (typeof object !== "object" || object === null || Array.isArray(object)) {
      violations.addType(path.slice(0, -1) || "options", `is ${shown(object)}; must be an object`);
      return;
    }
    this.valid = true;
    this.object = /** @type {Record<string, unknown>} */ (object);
    for (const key of Object.keys(object)) {
      if (!known.includes(key)) violations.addType(path + key, `is not known; must be ${known.join(", ")}`);
    }
  }

  /**
   * @template T
   * @param {string} key
   * @param {string} type
   * @returns {T | undefined}
   */
  ofType(key, type) {
    const value = this.object[key];
    if (value === undefined || typeof value === type) return /** @type {T | undefined} */ (value);
    this.violations.addType(this.path + key, `is ${shown(value)}; must be a ${type}`);
    return undefined;
  }

  /** @param {string} key */
  array(key) {
    const value = this.object[key];
    if (value === undefined || Array.isArray(value)) return value;
    this.violations.addType(this.path + key, `is ${shown(value)}; must be an array`);
    return undefined;
  }

  /**
   * An integer, exact.
   *
   * @param {string} field
   * @param {unknown} value
   * @returns {number | undefined}
   */
  integer(field, value) {
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !(Number.isInteger(value) || Math.abs(value) === Infinity)) {
      this.violations.addType(this.path + field, `is ${shown(value)}; must be an integer`);
    } else if (!Number.isSafeInteger(value)) {
      this.violations.add(this.path + field, `is ${value}; must be an integer from -(2^53 - 1) to 2^53 - 1`);
    } else {
      return value + 0;
    }
    return undefined;
  }

  /**
   * An integer that may be a bigint of 64 bits.
   *
   * @param {string} key
   * @returns {number | bigint | undefined}
   */
  wideInteger(key) {
    const value = this.object[key];
    if (typeof value !== "bigint") return this.integer(key, value);
    if (value >= -MAX_INT64 && value <= MAX_INT64) return value;
    this.violations.add(this.path + key, `is ${value}; must be at most ${MAX_INT64}`);
    return undefined;
  }

  /**
   * The name of an enum's value, or an unknown text.
   *
   * @param {string} key
   * @returns {string | undefined}
   */
  choice(key) {
    const value = /** @type {string | undefined} */ (this.ofType(key, "string"));
    if (value === undefined) return undefined;
    const aliases = ALIASES[key];
    return Object.hasOwn(aliases, value) ? aliases[value] : value;
  }

  /**
   * What a tensor and a part have in common.
   *
   * @param {number} level
   * @returns {Spec}
   */
  spec(level) {
    /** @type {Given} */
    const parameters = {};
    for (const name of PARAMETERS) {
      const value = Object.hasOwn(NUMBER_PARAMETERS, name) ? this.ofType(name, "number") : this.choice(name);
      if (value !== undefined) parameters[name] = /** @type {number | string} */ (value);
    }
    const scheme = this.choice("scheme");
    const ofFramework = frameworkScheme(scheme);
    return {
      name: this.ofType("name", "string") ?? "",
      shape: [],
      size: this.integer("size", this.object.size) ?? 0,
      scheme: ofFramework?.scheme ?? scheme,
      role: this.choice("role"),
      activation: this.choice("activation"),
      layout: this.choice("layout"),
      parameters: ofFramework === undefined ? parameters : fill(ofFramework, parameters),
      groups: this.wideInteger("groups") ?? 0,
      transposed: this.ofType("transposed", "boolean") ?? false,
      fanIn: this.wideInteger("fanIn"),
      fanOut: this.wideInteger("fanOut"),
      concatenation: this.concatenation(level),
    };
  }

  /**
   * @param {number} level
   * @returns {Concatenation | undefined}
   */
  concatenation(level) {
    const value = this.object.concatenation;
    if (value === undefined) return undefined;
    const path = `${this.path}concatenation.`;
    const reader = new Reader(value, path, OF_CONCATENATION, this.violations);
    const list = reader.array("parts") ?? [];
    return {
      axis: reader.integer("axis", reader.object.axis) ?? 0,
      stacked: reader.ofType("stacked", "boolean") ?? false,
      // Deeper ones are too many anyway; resolve.js says so.
      parts:
        level > 5
          ? []
          : list.map((part, i) => {
              return new Reader(part, `${path}parts[${i}].`, OF_PART, this.violations).spec(level + 1);
            }),
    };
  }

  /** @returns {Range[]} */
  slice() {
    return (this.array("slice") ?? []).map((range, d) => {
      if (!Array.isArray(range) || range.length !== 2) {
        this.violations.addType(`slice[${d}]`, `is ${shown(range)}; must be an array [start, stop]`);
        return { start: 0 };
      }
      return {
        start: this.integer(`slice[${d}].start`, range[0] ?? 0) ?? 0,
        stop: this.integer(`slice[${d}].stop`, range[1] ?? undefined),
      };
    });
  }

  /** @returns {bigint} */
  seed() {
    const value = this.object.seed ?? 0;
    const text = typeof value === "number" ? shown(value) : value;
    if (typeof text === "bigint" || (typeof text === "string" && /^-?[0-9]+$/.test(text))) {
      const seed = BigInt(text);
      const exact = typeof value !== "number" || Number.isSafeInteger(value);
      if (exact && seed >= 0n && seed <= MAX_SEED) return seed;
      const limit = typeof value === "number" ? "2^53 - 1, or a bigint or a string of digits" : "";
      this.violations.add("seed", `is ${shown(value)}; must be from 0 to ${limit || MAX_SEED}`);
    } else {
      this.violations.addType("seed", `is ${shown(value)}; must be an integer, a bigint or a string of digits`);
    }
    return 0n;
  }
}

/**
 * @param {unknown} options
 * @param {Violations} violations
 * @returns {Request}
 */
export function readRequest(options, violations) {
  const reader = new Reader(options, "", OF_TENSOR, violations);
  const shape = reader.array("shape");
  if (reader.valid && reader.object.shape === undefined) {
    violations.addType("shape", "is required: an array of integers, empty for a scalar");
  }
  return {
    tensor: {
      ...reader.spec(1),
      shape: (shape ?? []).map((size, d) => reader.integer(`shape[${d}]`, size ?? null) ?? 0),
      dtype: reader.choice("dtype"),
    },
    seed: reader.seed(),
    slice: reader.slice(),
    firstElement: reader.integer("firstElement", reader.object.firstElement) ?? 0,
    elementCount: reader.integer("elementCount", reader.object.elementCount),
  };
}
