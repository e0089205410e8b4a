// The schemes log_of_uniform and inverse_softplus: "Functions of a uniform number" of
// core/DETERMINISM.md.

import { neg2log } from "./draws64.js";
import { exp } from "./normal_tail.js";
import { TILE } from "./numbers.js";
import { Sampler } from "./sampler.js";

/**
 * The natural logarithm.
 *
 * @param {number} x from 1e-300 to 1e300
 */
export const naturalLog = (x) => (x > 1 ? 0.5 * neg2log(1 / x) + 0 : -0.5 * neg2log(x));

/**
 * ln(e^x - 1) of x = e^t.
 *
 * @param {number} t from ln 1e-8 to ln 100
 */
export function inverseSoftplusOfExp(t) {
  const x = t > 0 ? 1 / exp(-t) : exp(t);
  return x + naturalLog(1 - exp(-x));
}

/**
 * Whether the elements of a plan are functions of draws.
 *
 * @param {{structure?: import("./tables.js").Structure}} plan
 */
export const isMapped = ({ structure }) => structure === "log_of_uniform" || structure === "inverse_softplus";

/** Makes the elements of one tensor, in tiles, by their index, as a Sampler does. */
export class Mapped {
  /**
   * @param {import("./tables.js").Structure} structure
   * @param {import("./sampler.js").Parameters} parameters
   * @param {"binary32" | "binary64"} precision
   * @param {import("./philox.js").StreamKey} key
   */
  constructor(structure, parameters, precision, key) {
    const map = structure === "log_of_uniform" ? naturalLog : inverseSoftplusOfExp;
    this.map = precision === "binary64" ? map : (/** @type {number} */ u) => Math.fround(map(u));
    this.draws = new Sampler(parameters, "binary64", key);
    this.blockElements = this.draws.blockElements;
    this.tile = new Float64Array(TILE);
  }

  /**
   * Sets the tile to the elements from `first` on.
   *
   * @param {number} first a multiple of 4
   * @param {number} count at most TILE
   */
  fillTile(first, count) {
    this.draws.fillTile(first, count);
    for (let i = 0; i < count; ++i) this.tile[i] = this.map(this.draws.tile[i]);
  }
}
