// "Encoding" of core/DETERMINISM.md: binary32 to two bytes.

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/**
 * The bits of the bfloat16 nearest to a finite binary32 number, ties to even.
 *
 * @param {number} value
 */
export function bfloat16(value) {
  FLOAT[0] = value;
  const bits = BITS[0];
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/**
 * The bits of the binary16 nearest to a binary32 number of less than 65520, ties
 * to even.
 *
 * @param {number} value
 */
export function float16(value) {
  FLOAT[0] = value;
  const bits = BITS[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x38800000) {
    // Normal: another bias of the exponent, 13 bits less.
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  // Subnormal: multiples of 2^-24. The sum's last bit is worth as much, so that
  // the addition rounds as wanted.
  FLOAT[0] = Math.abs(value) + 0.5;
  return sign | (BITS[0] - 0x3f000000);
}
