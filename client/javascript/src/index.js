// The initial weights of neural networks, the same bytes on every machine.

import { describePlan } from "./describe.js";
import { fillPlan } from "./fill.js";
import { resolve } from "./resolve.js";
import { DTYPES } from "./tables.js";
import { shown } from "./violations.js";

/** @type {typeof import("./types.d.ts").describe} */
export const describe = (options) => describePlan(resolve(options));

/** @type {typeof import("./types.d.ts").fill} */
export function fill(out, options) {
  const plan = resolve(options);
  const wanted = DTYPES[plan.dtype].array;
  if (!(out instanceof wanted)) {
    throw new TypeError(`out: is ${shown(out)}; must be a ${wanted.name}, for the dtype ${plan.dtype}`);
  }
  if (out.length !== plan.elements) {
    throw new RangeError(`out: has ${out.length} elements; must have ${plan.elements}, as the request delivers`);
  }
  fillPlan(plan, out);
  return out;
}

/**
 * @param {import("./resolve.js").Plan} plan
 */
function allocate(plan) {
  const { array, bytes } = DTYPES[plan.dtype];
  try {
    return new array(plan.elements);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(
      `elementCount: ${plan.elements} elements of ${bytes} bytes do not fit an array of this machine; ` +
        "ask for a slice, or for fewer elements at a time",
    );
  }
}

/** @param {unknown} options */
function made(options) {
  const plan = resolve(options);
  const out = allocate(plan);
  fillPlan(plan, out);
  return { name: plan.name, out };
}

/** @type {typeof import("./types.d.ts").tensor} */
export const tensor = (options) => /** @type {any} */ (made(options).out);

/** @type {typeof import("./types.d.ts").model} */
export function* model(tensors, common = {}) {
  for (const options of tensors) {
    const { name, out } = made({ ...common, ...options });
    yield [name, out];
  }
}
