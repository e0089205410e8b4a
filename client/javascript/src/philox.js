// From seed and name to random words: "Key and stream" and "Words" of
// core/DETERMINISM.md.

import { sha256 } from "./sha256.js";

/**
 * Words as signed 32-bit numbers: the key, and the upper half of the counter.
 *
 * @typedef {{k0: number, k1: number, s0: number, s1: number}} StreamKey
 */

const DOMAIN = new TextEncoder().encode("weightinit.philox4x32_v1\0");

/**
 * @param {bigint} seed from 0 to 2^64 - 1
 * @param {string} name
 * @returns {StreamKey}
 */
export function streamKey(seed, name) {
  const bytes = new TextEncoder().encode(name);
  const message = new Uint8Array(DOMAIN.length + 16 + bytes.length);
  message.set(DOMAIN);
  const numbers = new DataView(message.buffer, DOMAIN.length);
  numbers.setBigUint64(0, seed, true);
  numbers.setBigUint64(8, BigInt(bytes.length), true);
  message.set(bytes, DOMAIN.length + 16);
  const digest = new DataView(sha256(message).buffer);
  const [k0, k1, s0, s1] = [0, 4, 8, 12].map((at) => digest.getInt32(at, true));
  return { k0, k1, s0, s1 };
}

const A = 0xd2511f53;
const B = 0xcd9e8d57;
const SHIFT = 1 / 0x100000000;
const A_SHIFTED = A * SHIFT;
const B_SHIFTED = B * SHIFT;

/**
 * Philox4x32-10: the words of blocks `block` to `block + blocks - 1`.
 *
 * The high half of a product of two words is its double, which is off by less
 * than 2^-21, less the low half, which Math.imul has exactly, rounded to
 * nearest. Two blocks go side by side, so that their latencies overlap.
 *
 * @param {StreamKey} key
 * @param {number} block below 2^52
 * @param {number} blocks even; may reach beyond the last one wanted
 * @param {Int32Array} words set to 4 words for each block
 */
export function philox(key, block, blocks, words) {
  const { k0, k1, s0, s1 } = key;
  const high = Math.floor(block * SHIFT);
  const low = block - high * 0x100000000;
  for (let n = 0; n < blocks; n += 2) {
    let c0 = (low + n) | 0;
    let c1 = low + n < 0x100000000 ? high | 0 : (high + 1) | 0;
    let c2 = s0;
    let c3 = s1;
    let d0 = (low + n + 1) | 0;
    let d1 = low + n + 1 < 0x100000000 ? high | 0 : (high + 1) | 0;
    let d2 = s0;
    let d3 = s1;
    let x = k0;
    let y = k1;
    for (let round = 0; round < 10; ++round) {
      const lowP = Math.imul(c0, A);
      const lowQ = Math.imul(c2, B);
      const highP = ((c0 >>> 0) * A_SHIFTED - ((lowP >>> 0) * SHIFT - 0.5)) | 0;
      const highQ = ((c2 >>> 0) * B_SHIFTED - ((lowQ >>> 0) * SHIFT - 0.5)) | 0;
      c0 = highQ ^ c1 ^ x;
      c1 = lowQ;
      c2 = highP ^ c3 ^ y;
      c3 = lowP;
      const lowR = Math.imul(d0, A);
      const lowS = Math.imul(d2, B);
      const highR = ((d0 >>> 0) * A_SHIFTED - ((lowR >>> 0) * SHIFT - 0.5)) | 0;
      const highS = ((d2 >>> 0) * B_SHIFTED - ((lowS >>> 0) * SHIFT - 0.5)) | 0;
      d0 = highS ^ d1 ^ x;
      d1 = lowS;
      d2 = highR ^ d3 ^ y;
      d3 = lowR;
      x = (x + 0x9e3779b9) | 0;
      y = (y + 0xbb67ae85) | 0;
    }
    const at = 4 * n;
    words[at] = c0;
    words[at + 1] = c1;
    words[at + 2] = c2;
    words[at + 3] = c3;
    words[at + 4] = d0;
    words[at + 5] = d1;
    words[at + 6] = d2;
    words[at + 7] = d3;
  }
}
