// Parts of tensors, and writing their elements in the order of delivery.

import { bfloat16, float16 } from "./encode.js";

/**
 * Part of a tensor, from `start` to `stop` in each dimension of its shape, and
 * where its elements go: the first one to `at`, the next one along dimension d
 * `strides[d]` further.
 *
 * @typedef {{start: number[], stop: number[], at: number, strides: number[]}} Box
 * @typedef {Float32Array | Float64Array | Uint16Array} Elements
 */

/** @param {number[]} numbers */
export const product = (numbers) => numbers.reduce((a, b) => a * b, 1);

/**
 * How many elements lie between neighbours along each dimension, row-major.
 *
 * @param {number[]} shape
 */
export const rowMajor = (shape) => shape.map((_, d) => product(shape.slice(d + 1)));

/**
 * The boxes that elements `first` to `first + count - 1` of a row-major tensor
 * make up, in order.
 *
 * @param {number[]} shape
 * @param {number} first
 * @param {number} count
 * @returns {{start: number[], stop: number[]}[]}
 */
export function boxesOf(shape, first, count) {
  if (count === 0) return [];
  if (shape.length === 0) return [{ start: [], stop: [] }];
  const [size, ...rest] = shape;
  const row = product(rest);
  const stop = first + count;
  /** @type {{start: number[], stop: number[]}[]} */
  const boxes = [];
  const addPartOfRow = (/** @type {number} */ i, /** @type {number} */ from, /** @type {number} */ to) => {
    for (const box of boxesOf(rest, from, to - from)) {
      boxes.push({ start: [i, ...box.start], stop: [i + 1, ...box.stop] });
    }
  };
  let i = Math.floor(first / row);
  if (first % row > 0) {
    addPartOfRow(i, first % row, Math.min(row, stop - i * row));
    ++i;
  }
  const end = Math.min(size, Math.floor(stop / row));
  if (i < end) boxes.push({ start: [i, ...rest.map(() => 0)], stop: [end, ...rest] });
  if (i <= end && stop > end * row) addPartOfRow(end, 0, stop - end * row);
  return boxes;
}

/** Writes elements, encoded, into the array of a delivery. */
export class Writer {
  /**
   * @param {Elements} out
   * @param {string} dtype
   */
  constructor(out, dtype) {
    this.out = out;
    this.encode = { bfloat16, float16 }[dtype] ?? null;
  }

  /**
   * @param {Float32Array | Float64Array} from
   * @param {number} first of `from`
   * @param {number} count
   * @param {number} at in the array
   * @param {number} stride between elements in the array
   */
  write(from, first, count, at, stride) {
    const { out, encode } = this;
    if (encode !== null) {
      for (let i = 0; i < count; ++i) out[at + i * stride] = encode(from[first + i]);
    } else if (stride === 1 && count > 16) {
      out.set(from.subarray(first, first + count), at);
    } else {
      for (let i = 0; i < count; ++i) out[at + i * stride] = from[first + i];
    }
  }
}

/**
 * Calls `visit` for each place in a box of the given dimensions, in row-major
 * order of them, with the index and the place in the array of its first element.
 *
 * @param {Box} box
 * @param {number[]} dimensions of the box, from the outermost on
 * @param {number[]} indexSteps by which the index grows along each dimension
 * @param {(index: number, at: number) => void} visit
 * @param {number} [index]
 * @param {number} [at]
 */
export function walk(box, dimensions, indexSteps, visit, index = 0, at = box.at) {
  if (dimensions.length === 0) {
    visit(index, at);
    return;
  }
  const [d, ...inner] = dimensions;
  for (let i = box.start[d]; i < box.stop[d]; ++i) {
    walk(box, inner, indexSteps, visit, index + i * indexSteps[d], at + (i - box.start[d]) * box.strides[d]);
  }
}
