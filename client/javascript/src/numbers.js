// Numbers of binary32 and binary64: literals, rounding, neighbours.

/** Elements that are made at once: they and their words fit a first-level cache. */
export const TILE = 1024;

const f64 = new Float64Array(1);
const u64 = new BigUint64Array(f64.buffer);
const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/**
 * C99 hexadecimal floating-point numbers, exact.
 *
 * @param {string} text numbers such as "-0x1.8p-3", separated by spaces
 * @returns {number[]}
 */
export function hex(text) {
  return text.split(" ").map((number) => {
    const match = /^(-?)0x1(?:\.([0-9a-f]{1,13}))?p(-?[0-9]+)$/.exec(number);
    if (!match) throw new Error(`${number} is no hexadecimal number`);
    const [, sign, digits = "", exponent] = match;
    u64[0] =
      (BigInt(sign ? 1 : 0) << 63n) | (BigInt(Number(exponent) + 1023) << 52n) | BigInt(`0x0${digits.padEnd(13, "0")}`);
    return f64[0];
  });
}

/**
 * @param {number} exponent from -1022 to 1023
 * @returns {number} 2 to that power
 */
export function power2(exponent) {
  u64[0] = BigInt(exponent + 1023) << 52n;
  return f64[0];
}

/**
 * F(x), up(x) and below(x) of a format, as "Distributions" of
 * core/DETERMINISM.md defines them; down(x) too.
 *
 * @typedef {object} Format
 * @property {number} largest
 * @property {(x: number) => number} nearest F(x)
 * @property {(x: number) => number} up
 * @property {(x: number) => number} down
 * @property {(x: number) => number} below
 */

/**
 * @param {number} largest
 * @param {(x: number) => number} round to nearest even, infinite above the largest
 * @param {(x: number) => number} awayFromZero the neighbour of a number that is
 *     not the largest, with the same sign
 * @param {(x: number) => number} towardsZero the neighbour of a number that is
 *     not 0, with the same sign, of a zero too
 * @param {number} smallest
 * @returns {Format}
 */
function format(largest, round, awayFromZero, towardsZero, smallest) {
  const nearest = (/** @type {number} */ x) => Math.min(Math.max(round(x), -largest), largest);
  const next = (/** @type {number} */ x) => {
    if (x === largest) return x;
    if (x === 0) return smallest;
    return x > 0 ? awayFromZero(x) : towardsZero(x);
  };
  const up = (/** @type {number} */ x) => {
    const rounded = nearest(x);
    return rounded < x ? next(rounded) : rounded;
  };
  const down = (/** @type {number} */ x) => -up(-x);
  const below = (/** @type {number} */ x) => {
    const rounded = down(x);
    return rounded < x ? rounded : -next(-rounded);
  };
  return { largest, nearest, up, down, below };
}

/** @param {bigint} step */
const step64 = (step) => (/** @type {number} */ x) => {
  f64[0] = x;
  u64[0] += step;
  return f64[0];
};

/** @param {number} step */
const step32 = (step) => (/** @type {number} */ x) => {
  f32[0] = x;
  u32[0] += step;
  return f32[0];
};

export const BINARY64 = format(Number.MAX_VALUE, (x) => x, step64(1n), step64(-1n), Number.MIN_VALUE);

export const BINARY32 = format(
  hex("0x1.fffffep127")[0],
  Math.fround,
  step32(1),
  step32(-1),
  power2(-149 + 100) * power2(-100),
);

/**
 * @param {number} v
 * @param {number} low
 * @param {number} high
 */
export function clamp(v, low, high) {
  const below = v < high ? v : high;
  return below > low ? below : low;
}
