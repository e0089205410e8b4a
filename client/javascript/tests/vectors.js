// How a test in Node or in a browser looks at elements: no module of Node here.

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; ++bit) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/**
 * zlib's CRC-32, in hexadecimal.
 *
 * @param {Uint8Array} bytes
 */
export function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = TABLE[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (~c >>> 0).toString(16).padStart(8, "0");
}

/**
 * The bits of the first eight elements in hexadecimal.
 *
 * @param {Float32Array | Float64Array | Uint16Array} elements
 */
export function firstBits(elements) {
  const size = elements.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(elements.buffer, elements.byteOffset, Math.min(elements.length, 8) * size);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  return Array.from({ length: hex.length / size }, (_, i) =>
    hex
      .slice(i * size, (i + 1) * size)
      .reverse()
      .join(""),
  );
}

/**
 * What the goldens say of a tensor.
 *
 * @param {Float32Array | Float64Array | Uint16Array} elements
 */
export function summary(elements) {
  const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  return { elements: elements.length, crc32: crc32(bytes), first: firstBits(elements) };
}
