// Random words to draws in binary64: core/DETERMINISM.md from "From a word to a
// number" to "Distributions". A word of 64 bits is two of 32, the low one first.

import { clamp, hex, power2 } from "./numbers.js";

const L = hex(
  "-0x1.5555555555558p0 -0x1.99999999952d9p-1 -0x1.2492492df75bep-1 -0x1.c71c62dc16303p-2 " +
    "-0x1.7462b770676e4p-2 -0x1.39fe05c7ce994p-2 -0x1.2b5c8374a17e9p-2",
);
const S = hex(
  "0x1.1c5831add62e4p-1 -0x1.d3ba5c1c5f423p-5 0x1.cda1063819aa5p-10 -0x1.b1e9f3447f2bbp-16 " +
    "0x1.dbd6f3c7eed56p-23 -0x1.55877a8bad812p-30 0x1.55d81c8b052bcp-38",
);
const C = hex(
  "0x1.6a09e667f3bccp-1 -0x1.bea5b6072b1c6p-3 0x1.6f5a49b28f203p-7 -0x1.e36ab0b4dadffp-13 " +
    "0x1.54cb86d47d3c6p-19 -0x1.2af492a63245dp-26 0x1.615f79b63701p-34",
);
const [MINUS_LN4, TINY, SHIFT] = hex("-0x1.62e42fefa39efp0 0x1p-55 0x1p-53");
const TWO_53 = 0x20000000000000;

/** @param {string} text decimal numbers */
const decimal = (text) => text.split(" ").map(Number);

// Algorithm AS 241.
const P1 = decimal(
  "3.3871328727963666080e0 1.3314166789178437745e2 1.9715909503065514427e3 1.3731693765509461125e4 " +
    "4.5921953931549871457e4 6.7265770927008700853e4 3.3430575583588128105e4 2.5090809287301226727e3",
);
const Q1 = decimal(
  "1 4.2313330701600911252e1 6.8718700749205790830e2 5.3941960214247511077e3 2.1213794301586595867e4 " +
    "3.9307895800092710610e4 2.8729085735721942674e4 5.2264952788528545610e3",
);
const P2 = decimal(
  "1.42343711074968357734e0 4.63033784615654529590e0 5.76949722146069140550e0 3.64784832476320460504e0 " +
    "1.27045825245236838258e0 2.41780725177450611770e-1 2.27238449892691845833e-2 7.74545014278341407640e-4",
);
const Q2 = decimal(
  "1 2.05319162663775882187e0 1.67638483018380384940e0 6.89767334985100004550e-1 1.48103976427480074590e-1 " +
    "1.51986665636164571966e-2 5.47593808499534494600e-4 1.05075007164441684324e-9",
);
const P3 = decimal(
  "6.65790464350110377720e0 5.46378491116411436990e0 1.78482653991729133580e0 2.96560571828504891230e-1 " +
    "2.65321895265761230930e-2 1.24266094738807843860e-3 2.71155556874348757815e-5 2.01033439929228813265e-7",
);
const Q3 = decimal(
  "1 5.99832206555887937690e-1 1.36929880922735805310e-1 1.48753612908506148525e-2 7.86869131145613259100e-4 " +
    "1.84631831751005468180e-5 1.42151175831644588870e-7 2.04426310338993978564e-15",
);

const FLOAT = new Float64Array(1);
const BITS = new Int32Array(FLOAT.buffer);
/** Where the low and the high half of a number are. */
const LOW = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/** 2^e for the exponents e = 0 to 1022 that neg2log divides by, its numbers being at most 1. */
const POWERS = Float64Array.from({ length: 1023 }, (_, e) => power2(e));

/**
 * @param {number[]} c
 * @param {number} x
 */
function horner(c, x) {
  let s = c[c.length - 1];
  for (let i = c.length - 2; i >= 0; --i) s = s * x + c[i];
  return s;
}

/**
 * @param {number} low
 * @param {number} high
 */
const centred = (low, high) => {
  // (W >> 10) | 1 has 54 bits; less 2^53 it is odd and below 2^53.
  const upper = (high >>> 0) * 0x400000 - TWO_53;
  return (upper + ((low >>> 10) | 1)) * SHIFT;
};

/**
 * @param {number} low
 * @param {number} high
 */
const positive = (low, high) => ((high >>> 0) * 0x200000 + (low >>> 11) + 0.5) * SHIFT;

/**
 * About -2 ln u.
 *
 * @param {number} u a normal number of at most 1
 */
export function neg2log(u) {
  FLOAT[0] = u;
  // bits(u) - 0x3fe6a09e667f3bcd, of which only the upper half matters.
  const borrow = BITS[LOW] >>> 0 < 0x667f3bcd ? 1 : 0;
  const e = (BITS[HIGH] - 0x3fe6a09e - borrow) >> 20;
  const x = u * POWERS[-e] - 1;
  const s = x / (x + 2);
  const z = s * s;
  return e * MINUS_LN4 + s * (z * horner(L, z) - 4);
}

/**
 * |z| where a standard normal is above |z| with probability p = 0.5 - c.
 *
 * @param {number} c
 * @param {number} p
 */
function quantile(c, p) {
  if (c <= 0.425) {
    const v = 0.180625 - c * c;
    return (c * horner(P1, v)) / horner(Q1, v);
  }
  const r = Math.sqrt(0.5 * neg2log(p));
  if (r <= 5) return horner(P2, r - 1.6) / horner(Q2, r - 1.6);
  return horner(P3, r - 5) / horner(Q3, r - 5);
}

/** @type {import("./sampler.js").Draw} */
function uniforms(s, words, count, out) {
  const { center, half, low, high } = s;
  for (let i = 0; i < count; ++i) {
    const v = center + half * centred(words[2 * i], words[2 * i + 1]);
    out[i] = clamp(v, low, high);
  }
}

/** @type {import("./sampler.js").Draw} */
function normals(s, words, count, out) {
  const { mean, stddev } = s;
  for (let i = 0; i < count; i += 2) {
    const low = words[2 * i + 2];
    const high = words[2 * i + 3];
    const r = Math.sqrt(neg2log(positive(words[2 * i], words[2 * i + 1])));
    const t = centred(low << 2, (high << 2) | (low >>> 30));
    const q = t * t;
    const sine = t * horner(S, q);
    const cosine = horner(C, q);
    // Factors of 1 or -1 from the two top bits.
    const sign0 = 1 + 2 * (high >> 31);
    const sign1 = 1 + 2 * ((high << 1) >> 31);
    out[i] = mean + stddev * (sign0 * (r * (cosine - sine)));
    out[i + 1] = mean + stddev * (sign1 * (r * (cosine + sine)));
  }
}

/** @type {import("./sampler.js").Draw} */
function truncatedAboutMean(s, words, count, out) {
  const { mean, stddev, center, half, low, high } = s;
  for (let i = 0; i < count; ++i) {
    const d = center + half * centred(words[2 * i], words[2 * i + 1]);
    const c = Math.abs(d);
    const magnitude = quantile(c, 0.5 - c > TINY ? 0.5 - c : TINY);
    const z = d < 0 ? -magnitude : magnitude;
    out[i] = clamp(mean + stddev * z, low, high);
  }
}

/** @type {import("./sampler.js").Draw} */
function truncatedTail(s, words, count, out) {
  const { mean, stddev, center, half, negate, low, high } = s;
  for (let i = 0; i < count; ++i) {
    const p = center + half * centred(words[2 * i], words[2 * i + 1]);
    const magnitude = quantile(0.5 - p > 0 ? 0.5 - p : 0, p);
    const z = negate ? -magnitude : magnitude;
    out[i] = clamp(mean + stddev * z, low, high);
  }
}

/** The draws of F = binary64. */
export const DRAWS64 = { uniforms, normals, truncatedAboutMean, truncatedTail };
