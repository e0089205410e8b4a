// From a request to a plan: every choice made, every default filled in.

import { advisoriesOf, advisoriesOfParts } from "./advisories.js";
import { checkChoice, checkName, checkShape, checkSlice, MAX_RANK, resolveFans } from "./checks.js";
import { isMapped } from "./mapped.js";
import { matrixOf } from "./matrix.js";
import { streamKey } from "./philox.js";
import { readRequest } from "./read.js";
import { checkDistribution, checkFinite, checkParameters, checkStructure, resolveScheme } from "./scheme.js";
import { ACTIVATIONS, SCHEME_OF_ROLE, SCHEMES } from "./tables.js";
import { operationsOf, theoryOf, theoryOfParts, theoryOfStructure } from "./theory.js";
import { Violations } from "./violations.js";

/**
 * @typedef {import("./read.js").Spec} Spec
 * @typedef {import("./read.js").Range} Range
 * @typedef {import("./read.js").Concatenation} Concatenation
 * @typedef {import("./scheme.js").Fans} Fans
 */

/**
 * A request with every choice made. A tensor of parts has neither scheme nor
 * parameters nor stream; one whose elements are no draws has no parameters.
 *
 * @typedef {object} Plan
 * @property {string} name
 * @property {number[]} shape
 * @property {{start: number, stop: number}[]} slice one range for each dimension
 * @property {string | null} scheme
 * @property {string} role
 * @property {string} activation
 * @property {string} dtype
 * @property {string} layout
 * @property {bigint} seed
 * @property {Fans} fans
 * @property {number} groups
 * @property {import("./tables.js").Structure} [structure]
 * @property {number} [gain]
 * @property {import("./sampler.js").Parameters | null} parameters
 * @property {import("./philox.js").StreamKey | null} stream
 * @property {number} zerosPerColumn
 * @property {import("./theory.js").Theory} theory
 * @property {import("./advisories.js").Advisory[]} advisories
 * @property {number} tensorElements of the whole tensor
 * @property {number} firstElement
 * @property {number} elements delivered
 * @property {number} operations of the slice
 * @property {number} axis
 * @property {boolean} stacked
 * @property {Plan[]} parts
 */

const MAX_PARTS = 2048;
const MAX_PART_LEVELS = 4;

/**
 * Fans and distribution of a tensor without parts.
 *
 * @param {Spec} spec
 * @param {Plan} plan
 * @param {{enums: boolean, shape: boolean}} valid
 * @param {string} path
 * @param {Violations} violations
 */
function resolveValues(spec, plan, valid, path, violations) {
  const before = violations.list.length;
  const scheme = plan.scheme ?? "";
  if (valid.enums) {
    checkParameters(scheme, spec, path, violations);
    checkStructure(scheme, spec, path, violations);
  }
  const parametersValid = valid.enums && violations.list.length === before;
  plan.fans = resolveFans(valid.shape ? plan.shape : null, spec, plan.layout, path, violations);
  if (!valid.shape || !parametersValid) return;
  plan.groups = Number(spec.groups) || 1;
  const beforeFans = violations.list.length;
  const resolved = resolveScheme(scheme, plan.activation, spec.parameters, plan.fans, path, violations);
  if (violations.list.length !== beforeFans) return;
  plan.parameters = resolved.parameters;
  plan.gain = resolved.gain;
  plan.structure = SCHEMES[scheme].structure;
  if (resolved.parameters === null) {
    const gain = resolved.gain ?? 1;
    checkFinite(gain, gain, plan.dtype, `${path}gain`, violations);
  } else {
    // Functions are of binary64 draws.
    checkDistribution(resolved.parameters, isMapped(plan) ? "float64" : plan.dtype, path, violations);
    plan.theory = theoryOf(resolved.parameters);
  }
  if (plan.structure === undefined) return;
  if (plan.structure === "sparse") {
    // The sum makes a -0 a +0.
    plan.zerosPerColumn = Math.ceil((resolved.sparsity ?? 0) * matrixOf(plan.shape, plan.layout).rows) + 0;
  }
  plan.theory = theoryOfStructure(plan);
  plan.operations = operationsOf(plan);
}

/**
 * Checks what a tensor of parts and its parts may be; whether the parts can be
 * resolved.
 *
 * @param {Spec} spec
 * @param {Concatenation} concatenation
 * @param {string} path
 * @param {Violations} violations
 */
function checkParts(spec, concatenation, path, violations) {
  const { parts, axis, stacked } = concatenation;
  const field = `${path}concatenation`;
  const isSet = { groups: spec.groups !== 0, transposed: spec.transposed };
  const fansSet = { fanIn: spec.fanIn !== undefined, fanOut: spec.fanOut !== undefined };
  for (const [name, set] of Object.entries({ ...isSet, ...fansSet })) {
    if (set) violations.add(path + name, "is set; in a tensor with parts the parts have fans");
  }
  const names = new Set();
  parts.forEach(({ name }, i) => {
    if (name === "") {
      violations.add(`${field}.parts[${i}].name`, "is required");
    } else if (names.has(name)) {
      violations.add(
        `${field}.parts[${i}].name`,
        "is the name of another part; two parts of one name would have equal weights",
      );
    }
    names.add(name);
  });
  const rank = spec.shape.length;
  if (rank === 0) {
    violations.add(field, "has parts; a scalar has none");
    return false;
  }
  if (axis < 0 || axis >= rank) {
    violations.add(`${field}.axis`, `is ${axis}; must be from 0 to ${rank - 1}, the last dimension of the tensor`);
    return false;
  }
  const before = violations.list.length;
  const size = spec.shape[axis];
  parts.forEach((part, i) => {
    const ofPart = `${field}.parts[${i}].size`;
    if (stacked && part.size !== 0) violations.add(ofPart, `is ${part.size}; stacked parts have none`);
    if (!stacked && part.size < 0) violations.add(ofPart, `is ${part.size}; must be at least 0`);
  });
  if (stacked && parts.length !== size) {
    violations.add(`${field}.parts`, `has ${parts.length} stacked parts; must have ${size}, as shape[${axis}] says`);
  } else if (
    !stacked &&
    violations.list.length === before &&
    parts.reduce((sum, part) => sum + part.size, 0) !== size
  ) {
    violations.add(`${field}.parts`, `have sizes that do not add up to ${size}, shape[${axis}]`);
  }
  return violations.list.length === before;
}

/**
 * @param {Spec} spec
 * @param {Concatenation} concatenation
 * @param {Plan} plan
 * @param {string} path
 * @param {Violations} violations
 */
function resolveParts(spec, concatenation, plan, path, violations) {
  if (!checkParts(spec, concatenation, path, violations)) return;
  const { axis, stacked } = concatenation;
  plan.axis = axis;
  plan.stacked = stacked;
  let start = 0;
  concatenation.parts.forEach((part, i) => {
    const partPath = `${path}concatenation.parts[${i}].`;
    if (part.layout !== undefined) violations.add(`${partPath}layout`, "is set; the layout is the tensor's");
    const size = stacked ? 1 : part.size;
    const { start: from, stop: to } = plan.slice[axis];
    const within = (/** @type {number} */ bound) => Math.min(Math.max(bound - start, 0), size);
    const range = { start: within(from), stop: Math.max(within(from), within(to)) };
    const replaced = (/** @type {any[]} */ list, /** @type {any} */ item) =>
      list.flatMap((other, d) => (d !== axis ? [other] : stacked ? [] : [item]));
    const inherited = { ...part, shape: replaced(plan.shape, size), dtype: plan.dtype, layout: plan.layout };
    inherited.activation = part.activation ?? spec.activation;
    inherited.role = part.role ?? spec.role;
    if (part.scheme === undefined) {
      inherited.scheme = spec.scheme;
      inherited.parameters = { ...spec.parameters, ...part.parameters };
    }
    const resolved = resolveTensor(inherited, replaced(plan.slice, range), plan.seed, partPath, violations);
    resolved.elements = resolved.slice.reduce((product, r) => product * (r.stop - r.start), 1);
    if (stacked && range.start === range.stop) resolved.elements = 0;
    plan.parts.push(resolved);
    start += size;
  });
  plan.operations = operationsOf(plan);
  plan.theory = theoryOfParts(plan.parts);
  plan.advisories = advisoriesOfParts(plan.parts);
}

/**
 * Whether there are too many parts, those of parts counted too, or too many levels.
 *
 * @param {Concatenation} concatenation
 */
function tooManyParts(concatenation) {
  let parts = 0;
  const add = (/** @type {Concatenation | undefined} */ list, /** @type {number} */ level) => {
    if (list === undefined || list.parts.length === 0) return;
    parts += level > MAX_PART_LEVELS ? MAX_PARTS + 1 : list.parts.length;
    if (parts > MAX_PARTS) return;
    for (const part of list.parts) add(part.concatenation, level + 1);
  };
  add(concatenation, 1);
  return parts > MAX_PARTS;
}

/**
 * A tensor or a part.
 *
 * @param {Spec} spec
 * @param {Range[]} slice
 * @param {bigint} seed
 * @param {string} path of its fields
 * @param {Violations} violations
 * @returns {Plan}
 */
function resolveTensor(spec, slice, seed, path, violations) {
  const start = violations.list.length;
  const activation = checkChoice(spec.activation, "linear", "activation", path, violations);
  const dtype = checkChoice(spec.dtype, "float32", "dtype", path, violations);
  const layout = checkChoice(spec.layout, "out_in", "layout", path, violations);
  const role = checkChoice(spec.role, "", "role", path, violations);
  const ofRank = spec.shape.length < 2 && role !== "weight" ? "zeros" : ACTIVATIONS[activation].recommended;
  const recommended = SCHEME_OF_ROLE[role] ?? ofRank;
  const scheme = checkChoice(spec.scheme, recommended, "scheme", path, violations);
  const enums = violations.list.length === start;
  checkName(spec.name, `${path}name`, violations);
  const beforeShape = violations.list.length;
  const elements = checkShape(spec.shape, path, violations);
  /** @type {Plan} */
  const plan = {
    name: spec.name,
    shape: spec.shape,
    slice: spec.shape.length > MAX_RANK ? [] : checkSlice(slice, spec.shape, path, violations),
    scheme,
    role,
    activation,
    dtype,
    layout,
    seed,
    fans: {},
    groups: 1,
    parameters: null,
    stream: null,
    zerosPerColumn: 0,
    theory: { mean: 0, stddev: 0 },
    advisories: [],
    tensorElements: elements ?? 0,
    firstElement: 0,
    elements: 0,
    operations: 0,
    axis: 0,
    stacked: false,
    parts: [],
  };
  const { concatenation } = spec;
  if (concatenation === undefined || concatenation.parts.length === 0) {
    resolveValues(spec, plan, { enums, shape: elements !== null }, path, violations);
    if (violations.list.length === start) {
      plan.stream = streamKey(seed, plan.name);
      plan.advisories = advisoriesOf(plan, spec);
    }
    return plan;
  }
  plan.scheme = null;
  if (tooManyParts(concatenation)) {
    violations.add(
      `${path}concatenation.parts`,
      `has more than ${MAX_PARTS} parts in all, or more than ${MAX_PART_LEVELS} levels of parts in parts`,
    );
  }
  if (enums && violations.list.length === beforeShape) {
    resolveParts(spec, concatenation, plan, path, violations);
  }
  return plan;
}

/**
 * @param {unknown} options
 * @returns {Plan}
 */
export function resolve(options) {
  const violations = new Violations();
  const request = readRequest(options, violations);
  violations.check();
  const { firstElement, elementCount } = request;
  const plan = resolveTensor(request.tensor, request.slice, request.seed, "", violations);
  if (firstElement < 0) violations.add("firstElement", `is ${firstElement}; must be at least 0`);
  if ((elementCount ?? 0) < 0) violations.add("elementCount", `is ${elementCount}; must be at least 0`);
  violations.check();

  const sliceElements = plan.slice.reduce((product, { start, stop }) => product * (stop - start), 1);
  const rest = sliceElements - firstElement;
  plan.firstElement = firstElement;
  plan.elements = elementCount ?? rest;
  if (rest < 0) {
    violations.add("firstElement", `is ${firstElement}; must be from 0 to ${sliceElements}, the elements of the slice`);
  } else if (plan.elements > rest) {
    violations.add(
      "elementCount",
      `is ${elementCount}; must be from 0 to ${rest}, the elements of the slice from firstElement on`,
    );
  }
  violations.check();
  return plan;
}
