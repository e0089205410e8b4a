// A distribution made ready to sample, and tiles of its elements.

import { DRAWS32 } from "./draws32.js";
import { DRAWS64 } from "./draws64.js";
import { truncation } from "./normal_tail.js";
import { BINARY32, BINARY64, TILE } from "./numbers.js";
import { philox } from "./philox.js";

/**
 * A distribution. What it does not have is 0; the mean of a constant is its value.
 *
 * @typedef {"constant" | "uniform" | "normal" | "truncated_normal"} Family
 * @typedef {{distribution: Family, mean: number, stddev: number, low: number, high: number}} Parameters
 */

/**
 * Parameters in F: the values that the page names m and h (`center`, `half`) and
 * those that the result is clamped to.
 *
 * @typedef {{mean: number, stddev: number, center: number, half: number, negate: boolean,
 *     low: number, high: number}} Numbers
 * @typedef {(numbers: Numbers, words: Int32Array, count: number,
 *     out: Float32Array | Float64Array) => void} Draw
 *     sets the first `count` elements, an even number, from the words that they own
 */

/**
 * @param {Parameters} parameters
 * @param {import("./numbers.js").Format} F
 * @returns {Numbers}
 */
function numbersOf(parameters, F) {
  const { distribution, mean, stddev, low, high } = parameters;
  /** @type {Numbers} */
  const numbers = {
    mean: F.nearest(mean),
    stddev: F.nearest(stddev),
    center: 0,
    half: 0,
    negate: false,
    low: 0,
    high: 0,
  };
  if (distribution === "uniform") {
    numbers.center = F.nearest(low * 0.5 + high * 0.5);
    numbers.half = F.nearest(high * 0.5 - low * 0.5);
    numbers.low = F.up(low);
    numbers.high = F.below(high);
  } else if (distribution === "truncated_normal") {
    const { from, to } = truncation(low, high);
    numbers.center = F.nearest(from * 0.5 + to * 0.5);
    numbers.half = F.nearest(to * 0.5 - from * 0.5);
    numbers.negate = high <= 0;
    numbers.low = F.up(mean + stddev * low);
    numbers.high = F.down(mean + stddev * high);
  }
  return numbers;
}

const words = new Int32Array(2 * TILE);
const tile32 = new Float32Array(TILE);
const tile64 = new Float64Array(TILE);

/** Makes the elements of one tensor, in tiles, by their index. */
export class Sampler {
  /**
   * @param {Parameters} parameters
   * @param {"binary32" | "binary64"} precision
   * @param {import("./philox.js").StreamKey} key
   */
  constructor(parameters, precision, key) {
    const wide = precision === "binary64";
    const draws = wide ? DRAWS64 : DRAWS32;
    this.key = key;
    this.blockElements = wide ? 2 : 4;
    this.tile = wide ? tile64 : tile32;
    this.numbers = numbersOf(parameters, wide ? BINARY64 : BINARY32);
    /** @type {Draw | null} */
    this.draw = null;
    if (parameters.distribution === "uniform") {
      this.draw = draws.uniforms;
    } else if (parameters.distribution === "normal") {
      this.draw = draws.normals;
    } else if (parameters.distribution === "truncated_normal" && parameters.stddev !== 0) {
      const { tail } = truncation(parameters.low, parameters.high);
      this.draw = tail ? draws.truncatedTail : draws.truncatedAboutMean;
    }
  }

  /** Whether the interval of a uniform or truncated normal holds a number of F. */
  holdsValue() {
    return this.numbers.low <= this.numbers.high;
  }

  /**
   * Sets the tile to the elements from `first` on.
   *
   * @param {number} first a multiple of 4
   * @param {number} count at most TILE
   */
  fillTile(first, count) {
    if (this.draw === null) {
      this.tile.fill(this.numbers.mean, 0, count);
      return;
    }
    const perBlock = this.blockElements;
    const blocks = 2 * Math.ceil(count / (2 * perBlock));
    philox(this.key, first / perBlock, blocks, words);
    this.draw(this.numbers, words, blocks * perBlock, this.tile);
  }
}
