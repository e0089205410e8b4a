// The scheme sparse: "Sparse matrices" of core/DETERMINISM.md.

import { dimensionsOf, matrixOf } from "./matrix.js";
import { TILE } from "./numbers.js";
import { Sampler } from "./sampler.js";

/** Keys that are made at once: those of all rows of some columns. */
const KEYS = 2 ** 18;

/**
 * Calls `visit` for each of the `zeros` smallest keys of a column.
 *
 * @param {Float64Array} keys
 * @param {number} zeros
 * @param {(row: number) => void} visit
 */
function forSmallest(keys, zeros, visit) {
  if (zeros === 0) return;
  const sorted = keys.slice().sort();
  const largest = sorted[zeros - 1];
  // Of equal keys those of the upper rows.
  let equal = zeros - sorted.indexOf(largest);
  keys.forEach((key, row) => {
    if (key < largest || (key === largest && equal-- > 0)) visit(row);
  });
}

/**
 * Writes the zeros of a box of a sparse tensor.
 *
 * @param {import("./resolve.js").Plan} plan
 * @param {import("./philox.js").StreamKey} stream
 * @param {import("./boxes.js").Box} box
 * @param {import("./boxes.js").Elements} out
 */
export function setZeros({ shape, layout, zerosPerColumn }, { k0, k1, s0, s1 }, box, out) {
  const { first, second } = dimensionsOf(shape.length, layout);
  const { rows, columns } = matrixOf(shape, layout);
  const { start, stop, strides } = box;
  const sampler = new Sampler({ distribution: "uniform", mean: 0, stddev: 0, low: 0, high: 1 }, "binary64", {
    k0,
    k1,
    s0,
    s1: s1 ^ 0x80000000,
  });
  const atOnce = Math.min(Math.max(8, Math.floor(KEYS / rows)), TILE - 4, stop[second] - start[second]);
  // Column by column.
  const keys = new Float64Array(atOnce * rows);
  for (let next = start[second]; next < stop[second]; next += atOnce) {
    const count = Math.min(atOnce, stop[second] - next);
    for (let row = 0; row < rows; ++row) {
      const index = row * columns + next;
      const offset = index % 4;
      sampler.fillTile(index - offset, offset + count);
      for (let i = 0; i < count; ++i) keys[i * rows + row] = sampler.tile[offset + i];
    }
    for (let i = 0; i < count; ++i) {
      const at = box.at + (next + i - start[second]) * strides[second];
      forSmallest(keys.subarray(i * rows, (i + 1) * rows), zerosPerColumn, (row) => {
        if (row >= start[first] && row < stop[first]) out[at + (row - start[first]) * strides[first]] = 0;
      });
    }
  }
}
