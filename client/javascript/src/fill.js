// From a plan to its elements, in the order of delivery: "Which element" and
// "Tensors of parts" of core/DETERMINISM.md.

import { boxesOf, product, rowMajor, Writer, walk } from "./boxes.js";
import { Diagonal } from "./diagonal.js";
import { isMapped, Mapped } from "./mapped.js";
import { matrixOf } from "./matrix.js";
import { TILE } from "./numbers.js";
import { fillOrthogonal } from "./orthogonal.js";
import { Sampler } from "./sampler.js";
import { setZeros } from "./sparse.js";

/**
 * @typedef {import("./boxes.js").Box} Box
 * @typedef {import("./resolve.js").Plan} Plan
 */

/**
 * A box whose rows along the last dimension hold consecutive indices.
 *
 * @param {Sampler | Diagonal | Mapped} sampler
 * @param {number[]} shape
 * @param {Box} box
 * @param {Writer} writer
 */
function fillOutIn(sampler, shape, box, writer) {
  const size = box.start.map((start, d) => box.stop[d] - start);
  // Dimensions of which the box has all are one with the next outer one, if they
  // lie so in the array too.
  let d = shape.length - 1;
  while (d > 0 && size[d] === shape[d] && box.strides[d - 1] === box.strides[d] * size[d]) --d;
  const steps = rowMajor(shape);
  const run = d < 0 ? 1 : product(size.slice(d));
  const stride = d < 0 ? 1 : box.strides[shape.length - 1];
  const firstInRow = d < 0 ? 0 : box.start[d] * steps[d];
  const outer = shape.map((_, i) => i).slice(0, Math.max(d, 0));
  walk(box, outer, steps, (index, at) => {
    let next = index + firstInRow;
    const end = next + run;
    while (next < end) {
      const offset = next % 4;
      const count = Math.min(TILE - offset, end - next);
      sampler.fillTile(next - offset, offset + count);
      writer.write(sampler.tile, offset, count, at, stride);
      at += count * stride;
      next += count;
    }
  });
}

// What of an IN_OUT tensor is made at once: rows of the OUT_IN order, which lie
// side by side in the array, and elements of each.
const ROWS = 16;
const ROW_ELEMENTS = 64;
const rows32 = new Float32Array(ROWS * ROW_ELEMENTS);
const rows64 = new Float64Array(ROWS * ROW_ELEMENTS);
const places = new Float64Array(ROW_ELEMENTS);

/**
 * A box of a tensor in IN_OUT order, (spatial…, second, first), of rank 2 or more.
 *
 * @param {Sampler | Diagonal | Mapped} sampler
 * @param {number[]} shape
 * @param {Box} box
 * @param {Writer} writer
 */
function fillInOut(sampler, shape, box, writer) {
  const rank = shape.length;
  const second = rank - 2;
  const first = rank - 1;
  const spatial = shape.slice(0, second);
  const field = product(spatial);
  const steps = [...rowMajor(spatial), field, field * shape[second]];
  const rows = sampler.blockElements === 2 ? rows64 : rows32;
  // Inner dimensions in the order of the index, the first one left out.
  const inner = [second, ...spatial.map((_, d) => d)];
  const last = inner[inner.length - 1];
  const outer = inner.slice(0, -1);

  // Collects places of elements whose indices follow each other, and makes them.
  let firstIndex = 0;
  let count = 0;
  const flush = () => {
    for (let x = box.start[first]; x < box.stop[first]; x += ROWS) {
      const group = Math.min(ROWS, box.stop[first] - x);
      for (let i = 0; i < group; ++i) {
        const index = firstIndex + (x + i) * steps[first];
        const offset = index % 4;
        sampler.fillTile(index - offset, offset + count);
        for (let k = 0; k < count; ++k) rows[i + k * ROWS] = sampler.tile[offset + k];
      }
      const atRow = (x - box.start[first]) * box.strides[first];
      for (let k = 0; k < count; ++k) {
        writer.write(rows, k * ROWS, group, places[k] + atRow, box.strides[first]);
      }
    }
    count = 0;
  };
  walk(box, outer, steps, (index, at) => {
    for (let i = box.start[last]; i < box.stop[last]; ++i) {
      const next = index + i * steps[last];
      if (count === ROW_ELEMENTS || (count > 0 && next !== firstIndex + count)) flush();
      if (count === 0) firstIndex = next;
      places[count] = at + (i - box.start[last]) * box.strides[last];
      ++count;
    }
  });
  if (count > 0) flush();
}

/**
 * Writes a box of a tensor of parts, part by part.
 *
 * @param {Plan} plan
 * @param {Box} box
 * @param {Writer} writer
 */
function fillParts(plan, box, writer) {
  const { axis, stacked } = plan;
  const without = (/** @type {number[]} */ list) => list.filter((_, d) => !stacked || d !== axis);
  let partStart = 0;
  for (const part of plan.parts) {
    const partStop = partStart + (stacked ? 1 : part.shape[axis]);
    const from = Math.max(box.start[axis], partStart);
    const to = Math.min(box.stop[axis], partStop);
    if (from < to) {
      const start = [...box.start];
      const stop = [...box.stop];
      start[axis] = from - partStart;
      stop[axis] = to - partStart;
      const at = box.at + (from - box.start[axis]) * box.strides[axis];
      const strides = without(box.strides);
      fillBox(part, { start: without(start), stop: without(stop), at, strides }, writer);
    }
    partStart = partStop;
  }
}

/**
 * What makes the elements of a plan, one by one.
 *
 * @param {Plan} plan
 * @param {import("./philox.js").StreamKey} key
 * @param {"binary32" | "binary64"} precision
 */
function samplerOf({ shape, layout, groups, gain = 1, structure, parameters }, key, precision) {
  if (parameters === null) return new Diagonal(matrixOf(shape, layout), groups, gain, precision);
  return isMapped({ structure }) && structure !== undefined
    ? new Mapped(structure, parameters, precision, key)
    : new Sampler(parameters, precision, key);
}

/**
 * @param {Plan} plan
 * @param {Box} box
 * @param {Writer} writer
 */
function fillBox(plan, box, writer) {
  if (box.start.some((start, d) => start >= box.stop[d])) return;
  if (plan.parts.length > 0) {
    fillParts(plan, box, writer);
    return;
  }
  if (plan.stream === null) throw new Error("a plan without elements");
  if (plan.structure === "orthogonal" || plan.structure === "orthogonal_centre") {
    fillOrthogonal(plan, plan.stream, box, writer);
    return;
  }
  const precision = plan.dtype === "float64" ? "binary64" : "binary32";
  const sampler = samplerOf(plan, plan.stream, precision);
  const transposed = plan.layout === "in_out" && plan.shape.length >= 2;
  (transposed ? fillInOut : fillOutIn)(sampler, plan.shape, box, writer);
  if (plan.structure === "sparse") setZeros(plan, plan.stream, box, writer.out);
}

/**
 * Writes the elements that a plan delivers.
 *
 * @param {Plan} plan
 * @param {import("./boxes.js").Elements} out of as many elements, of the plan's dtype
 */
export function fillPlan(plan, out) {
  const writer = new Writer(out, plan.dtype);
  const sliceShape = plan.slice.map(({ start, stop }) => stop - start);
  let at = 0;
  for (const { start, stop } of boxesOf(sliceShape, plan.firstElement, plan.elements)) {
    const size = start.map((from, d) => stop[d] - from);
    const toTensor = (/** @type {number[]} */ inSlice) => inSlice.map((i, d) => i + plan.slice[d].start);
    fillBox(plan, { start: toTensor(start), stop: toTensor(stop), at, strides: rowMajor(size) }, writer);
    at += product(size);
  }
}
