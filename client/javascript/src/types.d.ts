// The initial weights of neural networks, the same bytes on every machine.
// Names and rules are those of proto/weightinit/v1/tensor.proto; the bytes are
// those of core/DETERMINISM.md.

/** How the values are chosen. `glorot_…` is `xavier_…`, `kaiming_…` is `he_…`. */
export type Scheme =
  | "zeros"
  | "ones"
  | "constant"
  | "uniform"
  | "normal"
  | "truncated_normal"
  | "xavier_uniform"
  | "xavier_normal"
  | "he_uniform"
  | "he_normal"
  | "lecun_uniform"
  | "lecun_normal"
  | "variance_scaling"
  | "variance_preserving_uniform"
  | "variance_preserving_normal"
  | "identity"
  | "dirac"
  | "orthogonal"
  | "delta_orthogonal"
  | "sparse"
  | "log_of_uniform"
  | "inverse_softplus";

/** The activation after the layer: it chooses the scheme when none is named. */
export type Activation =
  | "linear"
  | "sigmoid"
  | "tanh"
  | "softmax"
  | "relu"
  | "leaky_relu"
  | "swish"
  | "gelu"
  | "elu"
  | "mish"
  | "prelu"
  | "selu";

/** The type of an element. The two of 16 bits are delivered as bits, in a Uint16Array. */
export type Dtype = "float32" | "float64" | "float16" | "bfloat16";

/** The order of dimensions: output, input, spatial (PyTorch), or spatial, input, output (Keras, JAX). */
export type Layout = "out_in" | "in_out";

/** A family of distributions. */
export type Distribution = "uniform" | "normal" | "truncated_normal";

/** The array of a dtype, in the byte order of the machine. */
export type TensorArray<D extends Dtype> = D extends "float32"
  ? Float32Array
  : D extends "float64"
    ? Float64Array
    : Uint16Array;

/** What a tensor is in its layer: it chooses the scheme when none is named. */
export type TensorRole = "weight" | "bias" | "norm_scale" | "embedding" | "running_mean" | "running_variance";

/** Other names of schemes, which mean the same in all frameworks. */
export type SchemeAlias = "glorot_uniform" | "kaiming_uniform" | "eye";

/** The initializers of frameworks, which bring parameters of their own. */
export type FrameworkSchemeName =
  | "torch.zeros"
  | "torch.ones"
  | "torch.constant"
  | "torch.uniform"
  | "torch.normal"
  | "torch.trunc_normal"
  | "torch.xavier_uniform"
  | "torch.xavier_normal"
  | "torch.kaiming_uniform"
  | "torch.kaiming_normal"
  | "torch.eye"
  | "torch.dirac"
  | "torch.orthogonal"
  | "torch.sparse"
  | "keras.zeros"
  | "keras.ones"
  | "keras.constant"
  | "keras.random_uniform"
  | "keras.random_normal"
  | "keras.truncated_normal"
  | "keras.variance_scaling"
  | "keras.glorot_uniform"
  | "keras.glorot_normal"
  | "keras.he_uniform"
  | "keras.he_normal"
  | "keras.lecun_uniform"
  | "keras.lecun_normal"
  | "keras.identity"
  | "keras.orthogonal"
  | "jax.zeros"
  | "jax.ones"
  | "jax.constant"
  | "jax.uniform"
  | "jax.normal"
  | "jax.truncated_normal"
  | "jax.variance_scaling"
  | "jax.glorot_uniform"
  | "jax.glorot_normal"
  | "jax.xavier_uniform"
  | "jax.xavier_normal"
  | "jax.he_uniform"
  | "jax.he_normal"
  | "jax.kaiming_uniform"
  | "jax.kaiming_normal"
  | "jax.lecun_uniform"
  | "jax.lecun_normal"
  | "jax.orthogonal"
  | "jax.delta_orthogonal"
  | "timm.trunc_normal"
  | "timm.trunc_normal_tf"
  | "timm.variance_scaling"
  | "timm.lecun_normal";

/** What a tensor and a part of a tensor have in common. */
export interface ValueOptions {
  /** At most 1024 bytes of UTF-8; selects the random stream. Default "". */
  name?: string;
  /** Default: by the activation; `zeros` for a tensor of rank 0 or 1. */
  scheme?: Scheme | SchemeAlias | FrameworkSchemeName;
  /** What the tensor is in its layer. Default: `weight`, or `bias` if its rank is below 2. */
  role?: TensorRole;
  /** Default: `linear`. */
  activation?: Activation | "none" | "identity" | "silu";
  /** Xavier: factor of the standard deviation; identity, orthogonal: of the values; above 0. Default 1. */
  gain?: number;
  /** He, variance preserving: slope of the activation for negative input. Default: that of the activation, or 0. */
  negativeSlope?: number;
  /** Normal and truncated normal. Default 0. */
  mean?: number;
  /** Normal and truncated normal, before truncation, default 1; sparse, default 0.01; at least 0. */
  stddev?: number;
  /** Uniform: the lower bound, default 0. Truncated normal: in standard deviations from the mean, default -2. */
  low?: number;
  /** Uniform: the upper bound, default 1. Truncated normal: in standard deviations from the mean, default 2. */
  high?: number;
  /** Constant: the value, required. */
  value?: number;
  /** Variance scaling: the numerator of the variance, above 0. Default 1. */
  scale?: number;
  /** Sparse: the share of zeros in each column, from 0 to 1, required. */
  sparsity?: number;
  /** He and variance scaling: the fan that divides the variance. Default `in`. */
  fanMode?: "in" | "out" | "average" | "geometric";
  /** Variance scaling. Default `truncated_normal`. */
  distribution?: Distribution;
  /** Groups of a grouped convolution, at least 1. Default 1. */
  groups?: number | bigint;
  /** Whether the weight is of a transposed convolution. Default false. */
  transposed?: boolean;
  /** Overrides the fan_in of the shape, at least 1. */
  fanIn?: number | bigint;
  /** Overrides the fan_out of the shape, at least 1. */
  fanOut?: number | bigint;
  /** Makes it of parts, which lie one behind the other. */
  concatenation?: Concatenation;
}

/** Parts of a tensor: each is the tensor of its own name and shape. */
export interface Concatenation {
  /** The dimension along which the parts lie, from 0 on. Default 0. */
  axis?: number;
  /** Whether the axis counts the parts, which then have one dimension less. Default false. */
  stacked?: boolean;
  /** In order; at most 2048, those of parts counted too, on at most 4 levels. */
  parts: PartOptions[];
}

/** One part. Without a scheme it has the tensor's, and its parameters. */
export interface PartOptions extends ValueOptions {
  /** Selects the random stream; no two parts have the same. */
  name: string;
  /** Elements along the axis; not for stacked parts. */
  size?: number;
}

/** A tensor, a seed, and which part of it to deliver. */
export interface TensorOptions<D extends Dtype = Dtype> extends ValueOptions {
  /** At most 16 dimensions and 2^40 elements; empty for a scalar. */
  shape: readonly number[];
  /** From 0 to 2^64 - 1; a string has decimal digits. Default 0. */
  seed?: number | bigint | string;
  /** Default `float32`. */
  dtype?: D;
  /** Default `out_in`. */
  layout?: Layout;
  /** One range [start, stop] for each dimension; null is the end of the dimension. Default: all. */
  slice?: readonly (readonly [number, number | null])[];
  /** The first element to deliver, counted in the slice. Default 0. */
  firstElement?: number;
  /** Elements to deliver. Default: to the end of the slice. */
  elementCount?: number;
}

/** Why a valid request may not be what its author wants. */
export interface Advisory {
  code:
    | "xavier_with_relu"
    | "he_with_saturating"
    | "symmetry_not_broken"
    | "stddev_too_high"
    | "stddev_too_low"
    | "fades_in_depth";
  message: string;
}

/** A distribution by its own parameters: of a constant, `mean` is the value. */
export interface DistributionParameters {
  distribution: Distribution | "constant";
  mean?: number;
  stddev?: number;
  low?: number;
  high?: number;
}

/** A request with every choice made, and what follows from it: TensorDescription of the service. */
export interface TensorDescription {
  name: string;
  shape: number[];
  sliceShape: number[];
  /** null if it is the whole tensor. */
  slice: [number, number][] | null;
  /** null for a tensor of parts. */
  scheme: Scheme | null;
  /** As requested. */
  role: TensorRole | null;
  activation: Activation;
  dtype: Dtype;
  layout: Layout;
  generator: "philox4x32_v1";
  seed: bigint;
  /** A bigint above 2^53 - 1; null for a tensor that has none. */
  fanIn: number | bigint | null;
  fanOut: number | bigint | null;
  gain: number | null;
  /** null for a tensor of parts, and for one whose elements are no draws. */
  parameters: DistributionParameters | null;
  /** Of the values delivered, after truncation. */
  mean: number;
  stddev: number;
  /** null where there is no bound. */
  low: number | null;
  high: number | null;
  tensorElements: number;
  elements: number;
  bytes: number;
  /** Floating-point operations of orthogonal matrices, beside the draws. */
  operations: number;
  /** The zeros in each column of sparse. */
  zerosPerColumn: number;
  key: bigint;
  stream: bigint;
  advisories: Advisory[];
  axis: number;
  stacked: boolean;
  parts: TensorDescription[];
}

/** One thing wrong with a request: `field` is a path such as `shape[1]`. */
export interface Violation {
  field: string;
  description: string;
}

/**
 * The elements of a tensor, or of what was asked for of it, in row-major order.
 *
 * Throws a TypeError if an option is unknown or of a wrong type, and a RangeError
 * if one is out of its range; `violations` of the error names each, with the
 * allowed range.
 */
export function tensor<D extends Dtype = "float32">(options: TensorOptions<D>): TensorArray<D>;

/**
 * The same into an array of the dtype and of the length of the delivery, which it
 * returns. Errors as of `tensor`, and of `out`; then `out` is as it was.
 */
export function fill<D extends Dtype = "float32", A extends TensorArray<D> = TensorArray<D>>(
  out: A,
  options: TensorOptions<D>,
): A;

/** What `tensor` would deliver; generates nothing. Errors as of `tensor`. */
export function describe(options: TensorOptions): TensorDescription;

/**
 * The tensors of a model, one after the other, as [name, elements]. What is in
 * `common`, such as the seed, holds for those that do not say otherwise.
 */
export function model(
  tensors: Iterable<TensorOptions>,
  common?: Partial<TensorOptions>,
): Generator<[string, Float32Array | Float64Array | Uint16Array], void, void>;
