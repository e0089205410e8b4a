// The schemes orthogonal and delta_orthogonal: "Orthogonal matrices" of
// core/DETERMINISM.md, with its names.

import { rowMajor, walk } from "./boxes.js";
import { dimensionsOf, matrixOf } from "./matrix.js";
import { TILE } from "./numbers.js";
import { Sampler } from "./sampler.js";

/**
 * @typedef {import("./boxes.js").Box} Box
 * @typedef {import("./resolve.js").Plan} Plan
 * @typedef {import("./philox.js").StreamKey} StreamKey
 */

/** Numbers of the rows that are made at once, 64 MiB: each such block needs the vectors anew. */
const BLOCK_NUMBERS = 2 ** 23;

/** Coordinates that are walked for all rows before the next ones: they fit a first-level cache. */
const CHUNK = 256;

/** The vectors v[f] to v[f + 3], of one f after the other. */
class Group {
  /**
   * @param {StreamKey} stream
   * @param {number} count K
   * @param {number} width N
   */
  constructor(stream, count, width) {
    this.count = count;
    this.width = width;
    this.sampler = new Sampler({ distribution: "normal", mean: 0, stddev: 1, low: 0, high: 0 }, "binary32", stream);
    /** Coordinates of the four side by side; all 0 until they are made. */
    this.vectors = new Float64Array(4 * width);
    /** d of each. */
    this.signs = [1, 1, 1, 1];
    /** p(0, 1), p(0, 2), p(0, 3), p(1, 2), p(1, 3), p(2, 3). */
    this.products = new Float64Array(6);
  }

  /** @param {number} f */
  make(f) {
    this.vectors.fill(0);
    for (let lane = 0; lane < 4 && f + lane < this.count; ++lane) this.makeVector(f + lane, lane);
    this.multiply(f);
  }

  /**
   * @param {number} k
   * @param {number} lane of the four
   */
  makeVector(k, lane) {
    const { sampler, vectors, width } = this;
    const { tile } = sampler;
    const head = 4 * k + lane;
    const end = k * width + width;
    let squares = 0;
    let at = head;
    for (let index = k * width + k; index < end; ) {
      const offset = index % 4;
      const stop = Math.min(TILE, offset + end - index);
      sampler.fillTile(index - offset, stop);
      for (let i = offset; i < stop; ++i, at += 4) {
        // The sum makes a -0 a +0.
        const z = tile[i] + 0;
        squares += z * z;
        vectors[at] = z;
      }
      index += stop - offset;
    }
    if (squares === 0) vectors[head] = squares = 1;
    const length = Math.sqrt(squares);
    const h = vectors[head];
    const factor = 1 / Math.sqrt(squares + length * Math.abs(h));
    this.signs[lane] = h < 0 ? 1 : -1;
    vectors[head] = h < 0 ? h - length : h + length;
    for (let i = head; i < at; i += 4) vectors[i] *= factor;
  }

  /** @param {number} f */
  multiply(f) {
    const { vectors: v, products } = this;
    let [p01, p02, p03, p12, p13, p23] = [0, 0, 0, 0, 0, 0];
    for (let i = 4 * f; i < v.length; i += 4) {
      p01 += v[i] * v[i + 1];
      p02 += v[i] * v[i + 2];
      p03 += v[i] * v[i + 3];
      p12 += v[i + 1] * v[i + 2];
      p13 += v[i + 1] * v[i + 3];
      p23 += v[i + 2] * v[i + 3];
    }
    products.set([p01, p02, p03, p12, p13, p23]);
  }
}

/**
 * Of coordinates c on both sides of a step from one group to the next: the numbers of the
 * four vectors of the group before, and of the next. That the array is a constant of the
 * module makes the loop over it 1.5 times as fast.
 */
const chunk = new Float64Array(8 * CHUNK);

/**
 * @param {Float64Array} before
 * @param {Float64Array} next
 * @param {number} begin
 * @param {number} count of coordinates
 */
function setChunk(before, next, begin, count) {
  for (let c = 0; c < count; ++c) {
    for (let lane = 0; lane < 4; ++lane) {
      chunk[8 * c + lane] = before[4 * (begin + c) + lane];
      chunk[8 * c + 4 + lane] = next[4 * (begin + c) + lane];
    }
  }
}

/**
 * Of the chunk's coordinates of a row, which begin at `at`: subtracts the vectors of the
 * group before, t times each, and adds the products with those of the next to s. One row
 * at a time is faster than two.
 *
 * @param {Float64Array} x
 * @param {number} at
 * @param {number} count
 * @param {Float64Array} t
 * @param {Float64Array} s
 * @param {number} j where the row's numbers in t and s are
 */
function reflect(x, at, count, t, s, j) {
  const t0 = t[j];
  const t1 = t[j + 1];
  const t2 = t[j + 2];
  const t3 = t[j + 3];
  let s0 = s[j];
  let s1 = s[j + 1];
  let s2 = s[j + 2];
  let s3 = s[j + 3];
  for (let c = 0, i = 0; c < count; ++c, i += 8) {
    const y = x[at + c] - t3 * chunk[i + 3] - t2 * chunk[i + 2] - t1 * chunk[i + 1] - t0 * chunk[i];
    x[at + c] = y;
    s0 += y * chunk[i + 4];
    s1 += y * chunk[i + 5];
    s2 += y * chunk[i + 6];
    s3 += y * chunk[i + 7];
  }
  s[j] = s0;
  s[j + 1] = s1;
  s[j + 2] = s2;
  s[j + 3] = s3;
}

/**
 * t0 to t3 from s(0) to s(3).
 *
 * @param {Float64Array} p
 * @param {Float64Array} s
 * @param {Float64Array} t
 * @param {number} j where the row's numbers in t and s are
 */
function solve(p, s, t, j) {
  t[j + 3] = s[j + 3];
  t[j + 2] = s[j + 2] - t[j + 3] * p[5];
  t[j + 1] = s[j + 1] - t[j + 3] * p[4] - t[j + 2] * p[3];
  t[j] = s[j] - t[j + 3] * p[2] - t[j + 2] * p[1] - t[j + 1] * p[0];
}

/**
 * Sets the block to rows of Q, one behind the other.
 *
 * @param {[Group, Group]} groups
 * @param {number[]} rows in rising order
 * @param {number} gain
 * @param {Float64Array} block all zeros
 */
function makeRows(groups, rows, gain, block) {
  let [before, next] = groups;
  const { width } = next;
  const s = new Float64Array(4 * rows.length);
  const t = new Float64Array(4 * rows.length);
  rows.forEach((row, i) => {
    block[i * width + row] = 1;
  });
  const factors = rows.map(() => gain);
  // Vectors with a number above its own leave a row as it is.
  let first = rows.length;
  const last = rows[rows.length - 1];
  for (let f = last - (last % 4); f >= 0; f -= 4) {
    [before, next] = [next, before];
    next.make(f);
    for (; first > 0 && rows[first - 1] >= f; --first) factors[first - 1] *= next.signs[rows[first - 1] - f];
    s.fill(0);
    for (let c = f; c < width; c += CHUNK) {
      const count = Math.min(CHUNK, width - c);
      setChunk(before.vectors, next.vectors, c, count);
      for (let i = first; i < rows.length; ++i) reflect(block, i * width + c, count, t, s, 4 * i);
    }
    for (let i = first; i < rows.length; ++i) solve(next.products, s, t, 4 * i);
  }
  const v = next.vectors;
  factors.forEach((factor, row) => {
    const [t0, t1, t2, t3] = t.subarray(4 * row);
    for (let c = row * width, i = 0; i < v.length; ++c, i += 4) {
      block[c] = (block[c] - t3 * v[i + 3] - t2 * v[i + 2] - t1 * v[i + 1] - t0 * v[i]) * factor;
    }
  });
}

/**
 * The box of the centre of the kernel in a box; null where that does not reach it.
 *
 * @param {Plan} plan
 * @param {Box} box
 * @returns {Box | null}
 */
function centreOf({ shape, layout }, box) {
  const start = [...box.start];
  const stop = [...box.stop];
  let { at } = box;
  for (const d of dimensionsOf(shape.length, layout).spatial) {
    const centre = Math.floor(shape[d] / 2);
    if (centre < start[d] || centre >= stop[d]) return null;
    at += (centre - start[d]) * box.strides[d];
    start[d] = centre;
    stop[d] = centre + 1;
  }
  return { start, stop, at, strides: box.strides };
}

/**
 * Writes a box of a tensor that is an orthogonal matrix, or has one at the centre of
 * its kernel. Of Q all rows are made that the box takes elements of.
 *
 * @param {Plan} plan
 * @param {StreamKey} stream
 * @param {Box} whole
 * @param {import("./boxes.js").Writer} writer
 */
export function fillOrthogonal(plan, stream, whole, writer) {
  const { shape, layout } = plan;
  const { rows, columns, places } = matrixOf(shape, layout);
  const { first, second, spatial } = dimensionsOf(shape.length, layout);
  // How the row and the column of M grow along each dimension.
  const steps = shape.map(() => 1);
  let width = columns;
  let inner = [second];
  let box = whole;
  if (plan.structure === "orthogonal_centre") {
    walk(whole, [first, second, ...spatial], steps, (_, at) => {
      writer.out[at] = 0;
    });
    const centre = centreOf(plan, whole);
    if (centre === null) return;
    box = centre;
  } else {
    const ofSpatial = rowMajor(spatial.map((d) => shape[d]));
    spatial.forEach((d, i) => {
      steps[d] = ofSpatial[i];
    });
    steps[second] = places;
    width = columns * places;
    inner = [second, ...spatial];
  }
  const tall = rows > width;
  const [across, along] = tall ? [inner, [first]] : [[first], inner];

  /** @type {{row: number, offset: number}[]} */
  const taken = [];
  walk(box, across, steps, (row, at) => taken.push({ row, offset: at - box.at }));
  const outer = along.slice(0, -1);
  const innermost = along[outer.length];
  const { start, stop, strides } = box;
  const longer = Math.max(rows, width);
  const group = () => new Group(stream, Math.min(rows, width), longer);
  /** @type {[Group, Group]} */
  const groups = [group(), group()];
  const atOnce = Math.max(1, Math.floor(BLOCK_NUMBERS / longer));
  for (let next = 0; next < taken.length; next += atOnce) {
    const some = taken.slice(next, next + atOnce);
    const block = new Float64Array(some.length * longer);
    makeRows(
      groups,
      some.map(({ row }) => row),
      plan.gain ?? 1,
      block,
    );
    some.forEach(({ offset }, i) => {
      walk(box, outer, steps, (column, at) => {
        const from = i * longer + column + start[innermost];
        writer.write(block, from, stop[innermost] - start[innermost], at + offset, strides[innermost]);
      });
    });
  }
}
