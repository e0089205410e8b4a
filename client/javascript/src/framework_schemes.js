// The initializers of frameworks, by their own names and with their own defaults, as the
// core lists them; a test compares.

/**
 * A scheme with the defaults of a framework: what its parameters are unless they are given.
 * absoluteBounds: low and high are in units of the value, where those of truncated_normal
 * count standard deviations.
 *
 * @typedef {{scheme: string, defaults?: Record<string, number | string>, absoluteBounds?: boolean}} FrameworkScheme
 */

/** @type {Record<string, FrameworkScheme>} */
export const FRAMEWORK_SCHEMES = {
  "torch.zeros": { scheme: "zeros" },
  "torch.ones": { scheme: "ones" },
  "torch.constant": { scheme: "constant" },
  "torch.uniform": { scheme: "uniform", defaults: { low: 0, high: 1 } },
  "torch.normal": { scheme: "normal", defaults: { mean: 0, stddev: 1 } },
  "torch.trunc_normal": {
    scheme: "truncated_normal",
    defaults: { mean: 0, stddev: 1, low: -2, high: 2 },
    absoluteBounds: true,
  },
  "torch.xavier_uniform": { scheme: "xavier_uniform" },
  "torch.xavier_normal": { scheme: "xavier_normal" },
  "torch.kaiming_uniform": { scheme: "he_uniform" },
  "torch.kaiming_normal": { scheme: "he_normal" },
  "torch.eye": { scheme: "identity" },
  "torch.dirac": { scheme: "dirac" },
  "torch.orthogonal": { scheme: "orthogonal" },
  "torch.sparse": { scheme: "sparse", defaults: { stddev: 0.01 } },
  "keras.zeros": { scheme: "zeros" },
  "keras.ones": { scheme: "ones" },
  "keras.constant": { scheme: "constant", defaults: { value: 0 } },
  "keras.random_uniform": { scheme: "uniform", defaults: { low: -0.05, high: 0.05 } },
  "keras.random_normal": { scheme: "normal", defaults: { mean: 0, stddev: 0.05 } },
  "keras.truncated_normal": { scheme: "truncated_normal", defaults: { mean: 0, stddev: 0.05, low: -2, high: 2 } },
  "keras.variance_scaling": {
    scheme: "variance_scaling",
    defaults: { scale: 1, fanMode: "in", distribution: "truncated_normal" },
  },
  "keras.glorot_uniform": { scheme: "xavier_uniform" },
  "keras.glorot_normal": {
    scheme: "variance_scaling",
    defaults: { scale: 1, fanMode: "average", distribution: "truncated_normal" },
  },
  "keras.he_uniform": {
    scheme: "variance_scaling",
    defaults: { scale: 2, fanMode: "in", distribution: "uniform" },
  },
  "keras.he_normal": {
    scheme: "variance_scaling",
    defaults: { scale: 2, fanMode: "in", distribution: "truncated_normal" },
  },
  "keras.lecun_uniform": { scheme: "lecun_uniform" },
  "keras.lecun_normal": {
    scheme: "variance_scaling",
    defaults: { scale: 1, fanMode: "in", distribution: "truncated_normal" },
  },
  "keras.identity": { scheme: "identity" },
  "keras.orthogonal": { scheme: "orthogonal" },
  "jax.zeros": { scheme: "zeros" },
  "jax.ones": { scheme: "ones" },
  "jax.constant": { scheme: "constant" },
  "jax.uniform": { scheme: "uniform", defaults: { low: 0, high: 0.01 } },
  "jax.normal": { scheme: "normal", defaults: { mean: 0, stddev: 0.01 } },
  "jax.truncated_normal": { scheme: "truncated_normal", defaults: { mean: 0, stddev: 0.01, low: -2, high: 2 } },
  "jax.variance_scaling": { scheme: "variance_scaling" },
  "jax.glorot_uniform": { scheme: "xavier_uniform" },
  "jax.glorot_normal": {
    scheme: "variance_scaling",
    defaults: { scale: 1, fanMode: "average", distribution: "truncated_normal" },
  },
  "jax.xavier_uniform": { scheme: "xavier_uniform" },
  "jax.xavier_normal": {
    scheme: "variance_scaling",
    defaults: { scale: 1, fanMode: "average", distribution: "truncated_normal" },
  },
  "jax.he_uniform": {
    scheme: "variance_scaling",
    defaults: { scale: 2, fanMode: "in", distribution: "uniform" },
  },
  "jax.he_normal": {
    scheme: "variance_scaling",
    defaults: { scale: 2, fanMode: "in", distribution: "truncated_normal" },
  },
  "jax.kaiming_uniform": {
    scheme: "variance_scaling",
    defaults: { scale: 2, fanMode: "in", distribution: "uniform" },
  },
  "jax.kaiming_normal": {
    scheme: "variance_scaling",
    defaults: { scale: 2, fanMode: "in", distribution: "truncated_normal" },
  },
  "jax.lecun_uniform": { scheme: "lecun_uniform" },
  "jax.lecun_normal": {
    scheme: "variance_scaling",
    defaults: { scale: 1, fanMode: "in", distribution: "truncated_normal" },
  },
  "jax.orthogonal": { scheme: "orthogonal" },
  "jax.delta_orthogonal": { scheme: "delta_orthogonal" },
  "timm.trunc_normal": {
    scheme: "truncated_normal",
    defaults: { mean: 0, stddev: 1, low: -2, high: 2 },
    absoluteBounds: true,
  },
  "timm.trunc_normal_tf": { scheme: "truncated_normal", defaults: { mean: 0, stddev: 1, low: -2, high: 2 } },
  "timm.variance_scaling": {
    scheme: "variance_scaling",
    defaults: { scale: 1, fanMode: "in", distribution: "normal" },
  },
  "timm.lecun_normal": {
    scheme: "variance_scaling",
    defaults: { scale: 1, fanMode: "in", distribution: "truncated_normal" },
  },
};

/**
 * That of a name, with an underscore behind it or without; undefined if there is none.
 *
 * @param {string | undefined} name
 * @returns {FrameworkScheme | undefined}
 */
export function frameworkScheme(name) {
  const bare = (name ?? "").replace(/_$/, "");
  return Object.hasOwn(FRAMEWORK_SCHEMES, bare) ? FRAMEWORK_SCHEMES[bare] : undefined;
}

/**
 * The parameters of the scheme: those given, else the defaults.
 *
 * @param {FrameworkScheme} scheme
 * @param {Record<string, number | string>} given
 * @returns {Record<string, number | string>}
 */
export function fill(scheme, given) {
  const filled = { ...scheme.defaults, ...given };
  const { mean, stddev, low, high } = /** @type {Record<string, number>} */ (filled);
  if (scheme.absoluteBounds && stddev > 0) {
    filled.low = (low - mean) / stddev;
    filled.high = (high - mean) / stddev;
  }
  return filled;
}
