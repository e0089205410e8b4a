// Random words to draws in binary32: core/DETERMINISM.md from "From a word to a
// number" to "Distributions". Each Math.fround is one rounding of the page; where
// there is none the binary64 result is a binary32 number already.

import { clamp, hex, power2, TILE } from "./numbers.js";

const fround = Math.fround;

const P1 = hex("0x1.8f701cp2 0x1.1107aap10 0x1.93bbe4p14 0x1.95804p16 0x1.2f75acp15");
const Q1 = hex("0x1p0 0x1.da6646p7 0x1.dfde7ep12 0x1.75d03ap15 0x1.5f005cp15");
const P2 = hex("-0x1.491d1cp1 -0x1.8a0bdp-2 0x1.babaf4p0 0x1.8d306p-2");
const Q2 = hex("0x1p0 0x1.c1f08ap0 0x1.8c771cp-2 0x1.604358p-17");
const [CENTER, TINY] = hex("0x1.eap-2 0x1p-26");

/** 2^e for the exponents e = 0 to 127 that neg2log divides by, its numbers being at most 1. */
const POWERS = Float64Array.from({ length: 128 }, (_, e) => power2(e));

/** A number, and its bits. */
const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);

/**
 * @param {number[]} c
 * @param {number} x
 */
function horner(c, x) {
  let s = c[c.length - 1];
  for (let i = c.length - 2; i >= 0; --i) s = fround(fround(s * x) + c[i]);
  return s;
}

/** @param {number} w */
const centred = (w) => (((w >>> 7) | 1) - 0x1000000) / 0x1000000;

/**
 * -2 ln u, of a number whose bits are given too.
 *
 * @param {number} u
 * @param {number} bits
 */
function neg2log(u, bits) {
  const e = (bits - 0x3f3504f3) >> 23;
  const x = u * POWERS[-e] - 1;
  // L, from its end on; a literal in place costs no load.
  let s = fround(fround(-0.17498359084129333 * x) + 0.28646978735923767);
  s = fround(fround(s * x) - 0.2983718514442444);
  s = fround(fround(s * x) + 0.3313506543636322);
  s = fround(fround(s * x) - 0.39923515915870667);
  s = fround(fround(s * x) + 0.500038743019104);
  s = fround(fround(s * x) - 0.6666792631149292);
  s = fround(fround(s * x) + 0.9999997615814209);
  s = fround(fround(s * x) - 2);
  return fround(fround(e * -1.3862943649291992) + fround(x * s));
}

/**
 * |z| where a standard normal is above |z| with probability p = 0.5 - c.
 *
 * @param {number} c
 * @param {number} p
 */
function quantile(c, p) {
  if (c <= CENTER) {
    const v = fround(0.25 - fround(c * c));
    return fround(fround(c * horner(P1, v)) / horner(Q1, v));
  }
  FLOAT[0] = p;
  const r = fround(Math.sqrt(neg2log(p, BITS[0])));
  return fround(horner(P2, r) / horner(Q2, r));
}

/** The numbers positive(w) of a tile, their bits, and the radii. */
const positives = new Float32Array(TILE);
const positiveBits = new Int32Array(positives.buffer);
const radii = new Float32Array(TILE / 2);

/** @type {import("./sampler.js").Draw} */
function uniforms(s, words, count, out) {
  const { center, half, low, high } = s;
  for (let i = 0; i < count; ++i) {
    const v = fround(center + fround(half * centred(words[i])));
    out[i] = clamp(v, low, high);
  }
}

/** @type {import("./sampler.js").Draw} */
function normals(s, words, count, out) {
  const { mean, stddev } = s;
  for (let i = 0; i < count; i += 2) {
    positives[i] = fround(fround(words[i] >>> 0) + 0.5) * (1 / 0x100000000);
  }
  // A loop of its own, so that more of these long chains are under way at once.
  for (let i = 0; i < count; i += 2) {
    radii[i >> 1] = Math.sqrt(neg2log(positives[i], positiveBits[i]));
  }
  for (let i = 0; i < count; i += 2) {
    const a = words[i + 1];
    const r = radii[i >> 1];
    const t = centred(a << 2);
    const q = fround(t * t);
    // S and C, from their ends on.
    let sine = fround(fround(-2.5521583665977232e-5 * q) + 0.0017608741763979197);
    sine = fround(fround(sine * q) - 0.0570957325398922);
    sine = fround(fround(sine * q) + 0.5553603768348694);
    sine = fround(t * sine);
    let cosine = fround(fround(-0.0002254512655781582 * q) + 0.011207560077309608);
    cosine = fround(fround(cosine * q) - 0.21808889508247375);
    cosine = fround(fround(cosine * q) + 0.7071067690849304);
    // Factors of 1 or -1 from the two top bits.
    const sign0 = 1 + 2 * (a >> 31);
    const sign1 = 1 + 2 * ((a << 1) >> 31);
    const z0 = sign0 * fround(r * fround(cosine - sine));
    const z1 = sign1 * fround(r * fround(cosine + sine));
    out[i] = mean + fround(stddev * z0);
    out[i + 1] = mean + fround(stddev * z1);
  }
}

/** @type {import("./sampler.js").Draw} */
function truncatedAboutMean(s, words, count, out) {
  const { mean, stddev, center, half, low, high } = s;
  for (let i = 0; i < count; ++i) {
    const d = fround(center + fround(half * centred(words[i])));
    const c = Math.abs(d);
    const rest = fround(0.5 - c);
    const magnitude = quantile(c, rest > TINY ? rest : TINY);
    const z = d < 0 ? -magnitude : magnitude;
    out[i] = clamp(fround(mean + fround(stddev * z)), low, high);
  }
}

/** @type {import("./sampler.js").Draw} */
function truncatedTail(s, words, count, out) {
  const { mean, stddev, center, half, negate, low, high } = s;
  for (let i = 0; i < count; ++i) {
    const p = fround(center + fround(half * centred(words[i])));
    const rest = fround(0.5 - p);
    const magnitude = quantile(rest > 0 ? rest : 0, p);
    const z = negate ? -magnitude : magnitude;
    out[i] = clamp(fround(mean + fround(stddev * z)), low, high);
  }
}

/** The draws of F = binary32. */
export const DRAWS32 = { uniforms, normals, truncatedAboutMean, truncatedTail };
