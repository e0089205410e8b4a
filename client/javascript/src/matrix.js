// The dimensions of a weight by what they are for.

/**
 * Of (first, second, spatial…) in OUT_IN order, whatever the layout: first is `rows`,
 * second `columns`; places of the kernel and its centre.
 *
 * @typedef {{rows: number, columns: number, places: number, centre: number}} Matrix
 */

/**
 * Which dimensions of a shape are first, second and spatial.
 *
 * @param {number} rank 2 or more
 * @param {string} layout
 */
export function dimensionsOf(rank, layout) {
  const all = Array.from({ length: rank }, (_, d) => d);
  return layout === "in_out"
    ? { first: rank - 1, second: rank - 2, spatial: all.slice(0, -2) }
    : { first: 0, second: 1, spatial: all.slice(2) };
}

/**
 * @param {number[]} shape of rank 2 or more
 * @param {string} layout
 * @returns {Matrix}
 */
export function matrixOf(shape, layout) {
  const { first, second, spatial } = dimensionsOf(shape.length, layout);
  let [places, centre] = [1, 0];
  for (const d of spatial) {
    places *= shape[d];
    centre = centre * shape[d] + Math.floor(shape[d] / 2);
  }
  return { rows: shape[first], columns: shape[second], places, centre };
}
