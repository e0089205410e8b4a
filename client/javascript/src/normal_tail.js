// "Normal tail" and "Exponential" of core/DETERMINISM.md, in binary64.

import { hex, power2 } from "./numbers.js";

const [INVERSE_SQRT_2PI, INVERSE_LN2, LN2_HIGH, LN2_LOW] = hex(
  "0x1.9884533d43651p-2 0x1.71547652b82fep0 0x1.62e42feep-1 0x1.a39ef35793c76p-33",
);

/**
 * e^x.
 *
 * @param {number} x at most 0
 */
export function exp(x) {
  if (x < -708) return 0;
  const k = Math.trunc(x * INVERSE_LN2 - 0.5);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let s = 1;
  for (let i = 13; i >= 1; --i) s = (s * r) / i + 1;
  return s * power2(k);
}

/**
 * The density of the standard normal.
 *
 * @param {number} x at least 0
 */
export const normalPdf = (x) => INVERSE_SQRT_2PI * exp(-0.5 * x * x);

/**
 * The probability of a standard normal above x.
 *
 * @param {number} x at least 0
 */
export function normalTail(x) {
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let i = 3; i <= 101; i += 2) {
      term = (term * (x * x)) / i;
      sum += term;
    }
    return 0.5 - normalPdf(x) * sum;
  }
  let f = x;
  for (let i = 200; i >= 1; --i) f = x + i / f;
  return normalPdf(x) / f;
}

/**
 * Where the draws of a normal truncated to [a, b] go, as probabilities: distances
 * from the middle if `tail` is false, otherwise probabilities above |z|.
 *
 * @param {number} a
 * @param {number} b above a
 */
export function truncation(a, b) {
  if (a < 0 && b > 0) return { tail: false, from: normalTail(-a) - 0.5, to: 0.5 - normalTail(b) };
  if (a >= 0) return { tail: true, from: normalTail(b), to: normalTail(a) };
  return { tail: true, from: normalTail(-a), to: normalTail(-b) };
}
