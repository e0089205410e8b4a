// Errors that name every field they are about.

/** @typedef {{field: string, description: string}} Violation */

/** Collects what is wrong with a request. */
export class Violations {
  constructor() {
    /** @type {Violation[]} */
    this.list = [];
    /** Whether one of them is a value of a wrong type. */
    this.wrongType = false;
  }

  /**
   * @param {string} field such as "shape[1]"
   * @param {string} description the value and the allowed range
   */
  add(field, description) {
    this.list.push({ field, description });
  }

  /**
   * @param {string} field
   * @param {string} description
   */
  addType(field, description) {
    this.wrongType = true;
    this.add(field, description);
  }

  /**
   * Throws if there is any: a TypeError if one is a wrong type, otherwise a
   * RangeError, with all of them as `violations`.
   */
  check() {
    if (this.list.length === 0) return;
    const message = this.list.map(({ field, description }) => `${field}: ${description}`).join("; ");
    const error = this.wrongType ? new TypeError(message) : new RangeError(message);
    throw Object.assign(error, { violations: this.list });
  }
}

/**
 * A number as messages show it, in six digits (printf's %g).
 *
 * @param {number} x
 */
export function sixDigits(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const [digits, exponent] = x.toExponential(5).split("e");
  if (Number(exponent) >= -4 && Number(exponent) < 6) return String(Number(x.toPrecision(6)));
  const mantissa = digits.replace(/\.?0+$/, "");
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/**
 * "a, b or c".
 *
 * @param {string[]} names
 */
export const anyOf = (names) =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names[names.length - 1]}`;

/**
 * A value of any type, short, for a message.
 *
 * @param {unknown} value
 */
export function shown(value) {
  if (typeof value === "string") return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return Array.isArray(value) ? "an array" : `of type ${value.constructor?.name ?? "object"}`;
}
