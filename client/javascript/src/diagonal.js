// The schemes identity and dirac: "Identity and Dirac" of core/DETERMINISM.md.

import { BINARY32, BINARY64, TILE } from "./numbers.js";

/**
 * What is known of the matrix: rows of a group, columns, places of the kernel and its
 * centre.
 *
 * @typedef {{groupRows: number, columns: number, places: number, centre: number}} Matrix
 */

/**
 * @param {number[]} shape
 * @param {string} layout
 * @param {number} groups
 * @returns {Matrix & {rows: number}}
 */
export function matrixOf(shape, layout, groups) {
  const inOut = layout === "in_out";
  const rank = shape.length;
  const [rows, columns] = inOut ? [shape[rank - 1], shape[rank - 2]] : shape;
  const spatial = inOut ? shape.slice(0, -2) : shape.slice(2);
  let [places, centre] = [1, 0];
  for (const size of spatial) {
    places *= size;
    centre = centre * size + Math.floor(size / 2);
  }
  return { rows, groupRows: rows / groups, columns, places, centre };
}

/** Makes the elements of one tensor, in tiles, by their index, as a Sampler does. */
export class Diagonal {
  /**
   * @param {Matrix} matrix
   * @param {number} gain
   * @param {"binary32" | "binary64"} precision
   */
  constructor(matrix, gain, precision) {
    const wide = precision === "binary64";
    this.matrix = matrix;
    this.gain = (wide ? BINARY64 : BINARY32).nearest(gain);
    this.blockElements = wide ? 2 : 4;
    this.tile = wide ? new Float64Array(TILE) : new Float32Array(TILE);
  }

  /**
   * Sets the tile to the elements from `first` on.
   *
   * @param {number} first
   * @param {number} count at most TILE
   */
  fillTile(first, count) {
    const { groupRows, columns, places, centre } = this.matrix;
    for (let i = 0; i < count; ++i) {
      const index = first + i;
      const element = Math.floor(index / places);
      const isOne = index % places === centre && element % columns === Math.floor(element / columns) % groupRows;
      this.tile[i] = isOne ? this.gain : 0;
    }
  }
}
