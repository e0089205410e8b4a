// The bytes: goldens, the implementation in C++, and what has to be equal.

import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, fill, model, tensor } from "../src/index.js";
import { philox, streamKey } from "../src/philox.js";
import { Random, randomRequest } from "./random_requests.js";
import { bytesOf, GENERATE, generate, goldens, jsonOf, optionsOf } from "./requests.js";
import { summary } from "./vectors.js";

/** @typedef {any} Options so that a test can pass what the types forbid */

test("the worked example of the specification", () => {
  const key = streamKey(42n, "fc1.weight");
  const words = new Int32Array(8);
  philox(key, 0, 2, words);
  assert.deepEqual(
    [...words].map((word) => (word >>> 0).toString(16)),
    "661b2fc9 e8197bd5 ad1d31e5 a95ff338 bc5a4476 28d02a29 b82d7dc9 dbcd009c".split(" "),
  );
});

test("blocks on both sides of 2^32 have different counters", () => {
  const key = streamKey(0n, "");
  const words = new Int32Array(8);
  const alone = new Int32Array(8);
  philox(key, 2 ** 32 - 1, 2, words);
  philox(key, 2 ** 32, 2, alone);
  assert.deepEqual(words.slice(4), alone.slice(0, 4));
  philox(key, 0, 2, alone);
  assert.notDeepEqual(words.slice(4), alone.slice(0, 4));
});

test("every golden is reproduced", () => {
  const cases = goldens();
  assert.ok(cases.length > 100);
  for (const { options, ...expected } of cases) {
    assert.deepEqual(summary(tensor(/** @type {Options} */ (options))), expected, JSON.stringify(options));
  }
});

test("thousands of random requests have the bytes of the C++ implementation", { skip: GENERATE.skip }, () => {
  const random = new Random(11);
  const requests = Array.from({ length: 4000 }, () => randomRequest(random));
  let delivered = 0;
  generate(requests).forEach((answer, i) => {
    const text = jsonOf(requests[i]);
    if (typeof answer === "string") {
      assert.throws(() => tensor(/** @type {Options} */ (optionsOf(requests[i]))), RangeError, text + answer);
      return;
    }
    ++delivered;
    const made = bytesOf(tensor(/** @type {Options} */ (optionsOf(requests[i]))));
    assert.equal(Buffer.compare(made, answer), 0, text);
  });
  assert.ok(delivered > 3500, `${delivered} requests are valid`);
});

test("zeros of both signs, subnormals and bounds that overflow have the bytes of the C++ implementation", {
  skip: GENERATE.skip,
}, () => {
  const normals = [0, -0].flatMap((mean) => [0, 1e-300, 1e-40].map((stddev) => ({ mean, stddev })));
  const bounds = [
    [-1e-60, 1],
    [-1, 1e-60],
    [-0, 1],
    [-1, -0],
    [-1e-45, 1e-45],
  ].map(([low, high]) => ({ low, high }));
  const truncations = [
    { mean: 0, stddev: 1e300, low: -2, high: 1e300 },
    { mean: 0, stddev: 1e10, low: -1, high: 1e300 },
    { mean: -0, stddev: 1e-44, low: -1, high: 1 },
    { mean: 1e-60, stddev: 1e-60, low: -1, high: 1 },
    { mean: 0, stddev: 1, low: 11.4, high: 1e300 },
  ];
  const requests = ["float32", "float64", "bfloat16"].flatMap((dtype) => [
    ...normals.map((parameters) => ({ shape: [257], dtype, scheme: "normal", parameters })),
    ...bounds.map((parameters) => ({ shape: [257], dtype, scheme: "uniform", parameters })),
    ...[...normals, ...truncations].map((parameters) => ({
      shape: [257],
      dtype,
      scheme: "truncated_normal",
      parameters,
    })),
  ]);
  generate(requests).forEach((answer, i) => {
    const options = /** @type {Options} */ (optionsOf(requests[i]));
    if (typeof answer === "string") assert.throws(() => tensor(options), RangeError, answer);
    else assert.equal(Buffer.compare(bytesOf(tensor(options)), answer), 0, jsonOf(requests[i]));
  });
});

test("matrices that are made in blocks of rows, and groups that are not full, have the bytes of the C++ implementation", {
  skip: GENERATE.skip,
}, () => {
  const long = 2 ** 21 + 1;
  const requests = [
    {
      shape: [4, long],
      slice: [
        [0, 4],
        [long - 5, long],
      ],
    },
    ...[1, 2, 3, 4, 5, 63, 64, 65].map((rows) => ({ shape: [rows, 300], parameters: { gain: 0.3 } })),
    {
      shape: [300, 300],
      slice: [
        [17, 290],
        [0, 300],
      ],
      dtype: "float64",
    },
    {
      shape: [300, 20, 3],
      slice: [
        [0, 300],
        [3, 9],
        [1, 2],
      ],
    },
    {
      shape: [3, 20, 300],
      slice: [
        [1, 3],
        [3, 9],
        [1, 299],
      ],
      layout: "in_out",
    },
  ].map((request) => ({ ...request, scheme: "orthogonal", name: "q" }));
  generate(requests).forEach((answer, i) => {
    assert.ok(typeof answer !== "string", String(answer));
    const options = /** @type {Options} */ (optionsOf(requests[i]));
    assert.equal(Buffer.compare(bytesOf(tensor(options)), answer), 0, jsonOf(requests[i]));
  });
});

test("the vectors of the shorter dimension are orthogonal and have the length gain", () => {
  for (const shape of [
    [6, 40],
    [40, 2, 3],
  ]) {
    const elements = tensor({ shape, scheme: "orthogonal", gain: 3, dtype: "float64" });
    const at = (/** @type {number} */ i, /** @type {number} */ c) => elements[shape[0] === 6 ? i * 40 + c : c * 6 + i];
    for (let i = 0; i < 6; ++i) {
      for (let k = 0; k <= i; ++k) {
        let sum = 0;
        for (let c = 0; c < 40; ++c) sum += at(i, c) * at(k, c);
        assert.ok(Math.abs(sum - (i === k ? 9 : 0)) < 1e-13, `${i} ${k}: ${sum}`);
      }
    }
  }
});

test("a kernel is 0 around the centre, also in memory that was used before", () => {
  const options = { shape: [5, 4, 3, 3], scheme: /** @type {const} */ ("delta_orthogonal"), name: "k", seed: 8 };
  const kernel = fill(new Float32Array(180).fill(7), options);
  const matrix = tensor({ ...options, shape: [5, 4], scheme: "orthogonal" });
  kernel.forEach((value, i) => {
    assert.ok(Object.is(value, i % 9 === 4 ? matrix[Math.floor(i / 9)] : 0));
  });
});

test("each column of a sparse tensor has its zeros, and else draws", () => {
  const options = { shape: [30, 50], name: "s", dtype: /** @type {const} */ ("float64") };
  const draws = tensor({ ...options, scheme: "normal", stddev: 0.01 });
  for (const [sparsity, zeros] of [
    [0, 0],
    [0.1, 3],
    [0.11, 4],
    [1, 30],
  ]) {
    const sparse = tensor({ ...options, scheme: "sparse", sparsity });
    assert.equal(describe({ ...options, scheme: "sparse", sparsity }).zerosPerColumn, zeros);
    for (let column = 0; column < 50; ++column) {
      const places = Array.from({ length: 30 }, (_, row) => 50 * row + column);
      assert.equal(places.filter((i) => sparse[i] === 0).length, zeros);
      assert.ok(places.every((i) => sparse[i] === 0 || sparse[i] === draws[i]));
    }
  }
});

test("a range of elements is that range of the whole, in both layouts", () => {
  const random = new Random(5);
  for (let i = 0; i < 300; ++i) {
    const { seed: _, ...options } = /** @type {Options} */ (optionsOf(randomRequest(random)));
    // An interval that holds next to nothing of the normal distribution is refused.
    const inTail = options.scheme === "truncated_normal" && (options.low > 8 || options.high < -8);
    if (options.slice !== undefined || inTail) continue;
    const whole = tensor(options);
    const firstElement = random.integer(0, whole.length);
    const elementCount = random.integer(0, whole.length - firstElement);
    const range = tensor({ ...options, firstElement, elementCount });
    assert.deepEqual(bytesOf(range), bytesOf(whole.slice(firstElement, firstElement + elementCount)));
  }
});

test("an IN_OUT tensor of many rows is the transpose of the OUT_IN one", () => {
  const options = { name: "t", scheme: /** @type {const} */ ("normal"), seed: 3 };
  const [out, inner, height, width] = [37, 21, 3, 5];
  const outIn = tensor({ ...options, shape: [out, inner, height, width] });
  const inOut = tensor({ ...options, shape: [height, width, inner, out], layout: "in_out" });
  for (let i = 0; i < outIn.length; ++i) {
    const [x, y, p] = [
      Math.floor(i / (inner * height * width)),
      Math.floor(i / (height * width)) % inner,
      i % (height * width),
    ];
    assert.equal(inOut[(p * inner + y) * out + x], outIn[i]);
  }
});

test("fill writes into a part of a larger array and nothing beside it", () => {
  const memory = new Float32Array(30).fill(7);
  const out = fill(memory.subarray(10, 20), { shape: [10], scheme: "normal" });
  assert.equal(out.buffer, memory.buffer);
  assert.deepEqual(memory.slice(10, 20), tensor({ shape: [10], scheme: "normal" }));
  assert.ok([...memory.slice(0, 10), ...memory.slice(20)].every((value) => value === 7));
});

test("seeds of all types are one seed", () => {
  const options = { shape: [9], scheme: /** @type {const} */ ("uniform") };
  const expected = tensor({ ...options, seed: 5 });
  assert.deepEqual(tensor({ ...options, seed: 5n }), expected);
  assert.deepEqual(tensor({ ...options, seed: "5" }), expected);
  assert.notDeepEqual(tensor({ ...options, seed: "6" }), expected);
});

test("a model is its tensors, with what they have in common", () => {
  const common = { seed: 42, dtype: /** @type {const} */ ("bfloat16") };
  const list = [
    { name: "fc.weight", shape: [8, 4], activation: /** @type {const} */ ("relu") },
    { name: "fc.bias", shape: [8] },
  ];
  const made = [...model(list, common)];
  assert.deepEqual(
    made.map(([name]) => name),
    ["fc.weight", "fc.bias"],
  );
  assert.deepEqual(made[0][1], tensor({ ...common, ...list[0] }));
});
