// The schemes identity and dirac: "Identity and Dirac" of core/DETERMINISM.md.

import { BINARY32, BINARY64, TILE } from "./numbers.js";

/** Makes the elements of one tensor, in tiles, by their index, as a Sampler does. */
export class Diagonal {
  /**
   * @param {import("./matrix.js").Matrix} matrix
   * @param {number} groups
   * @param {number} gain
   * @param {"binary32" | "binary64"} precision
   */
  constructor(matrix, groups, gain, precision) {
    const wide = precision === "binary64";
    this.matrix = matrix;
    this.groupRows = matrix.rows / groups;
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
    const { columns, places, centre } = this.matrix;
    for (let i = 0; i < count; ++i) {
      const index = first + i;
      const element = Math.floor(index / places);
      const isOne = index % places === centre && element % columns === Math.floor(element / columns) % this.groupRows;
      this.tile[i] = isOne ? this.gain : 0;
    }
  }
}
