// Tensors of parts and descriptions, compared with the command `weightinit`.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FRAMEWORK_SCHEMES } from "../src/framework_schemes.js";
import { describe, tensor } from "../src/index.js";
import { CHOICES, SCHEMES } from "../src/tables.js";
import { tensorOfParts } from "./random_parts.js";
import { Random, randomRequest } from "./random_requests.js";
import { bytesOf, CLI, optionsOf } from "./requests.js";

const directory = mkdtempSync(join(tmpdir(), "weightinit-javascript-"));
after(() => rmSync(directory, { recursive: true }));

/** @param {string[]} args */
const weightinit = (...args) =>
  execFileSync(CLI.command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 28 });

/**
 * Numbers that are equal but for rounding.
 *
 * @param {number} actual
 * @param {number} expected
 * @param {string} text
 */
function assertClose(actual, expected, text) {
  const allowed = 1e-9 * Math.max(Math.abs(expected), 1e-6);
  assert.ok(Math.abs(actual - expected) <= allowed, `${text}: ${actual} is not ${expected}`);
}

/**
 * That a description says what the command prints of the same tensor; also of parts.
 *
 * @param {any} description
 * @param {any} printed
 */
function assertDescribed(description, printed) {
  for (const [key, name] of [
    ["scheme", "scheme"],
    ["role", "role"],
    ["activation", "activation"],
    ["dtype", "dtype"],
    ["layout", "layout"],
    ["fan_in", "fanIn"],
    ["fan_out", "fanOut"],
    ["shape", "shape"],
    ["slice_shape", "sliceShape"],
    ["elements", "elements"],
    ["tensor_elements", "tensorElements"],
    ["bytes", "bytes"],
    ["operations", "operations"],
    ["zeros_per_column", "zerosPerColumn"],
    ["slice", "slice"],
    ["advisories", "advisories"],
    ["stacked", "stacked"],
  ]) {
    // JSON.parse has rounded integers above 2^53.
    const said = typeof description[name] === "bigint" ? Number(description[name]) : description[name];
    if (printed[key] !== undefined) assert.deepEqual(said, printed[key], `${printed.name}: ${key}`);
  }
  for (const key of ["mean", "stddev", "low", "high", "gain"]) {
    if (typeof printed[key] === "number") assertClose(description[key], printed[key], `${printed.name}: ${key}`);
    if (printed[key] === null) assert.equal(description[key], null, `${printed.name}: ${key}`);
  }
  (printed.parts ?? []).forEach((/** @type {any} */ part, /** @type {number} */ i) => {
    assertDescribed(description.parts[i], part);
  });
}

test("tensors of parts, whole and cut, are those of the command", { skip: CLI.skip }, () => {
  const random = new Random(3);
  const tensors = Array.from({ length: 300 }, (_, i) => tensorOfParts(random, `t${i}`));
  const manifest = join(directory, "model.json");
  const output = join(directory, "model.bin");
  writeFileSync(manifest, JSON.stringify({ version: 1, entries: tensors.map(({ entry }) => entry) }));
  const slices = tensors.map(({ options }) =>
    options.shape.map((/** @type {number} */ size) => {
      const start = random.integer(0, size);
      return [start, random.integer(start, size)];
    }),
  );
  const cut = slices.flatMap((slice, i) =>
    i % 2 === 0 ? [] : ["--slice", `t${i}=${slice.map((/** @type {number[]} */ range) => range.join(":")).join(",")}`],
  );
  weightinit("model", "init", manifest, "--seed", "9", "-o", output, ...cut);
  const plan = JSON.parse(weightinit("model", "plan", manifest, "--seed", "9", "--json", ...cut));
  const bytes = readFileSync(output);
  let compared = 0;
  tensors.forEach(({ options }, i) => {
    const request = /** @type {any} */ ({ ...options, seed: 9, ...(i % 2 === 0 ? {} : { slice: slices[i] }) });
    const made = bytesOf(tensor(request));
    const printed = plan.tensors[i];
    const expected = bytes.subarray(printed.byte_offset, printed.byte_offset + printed.bytes);
    assert.equal(Buffer.compare(made, expected), 0, JSON.stringify(request));
    assertDescribed(describe(request), printed);
    compared += made.length;
  });
  assert.equal(compared, bytes.length);
});

test("advisories are those of the command, word for word", { skip: CLI.skip }, () => {
  const shape = [96, 256];
  /** @type {Record<string, any>[]} */
  const requests = [];
  for (const activation of CHOICES.activation) {
    const add = (/** @type {string} */ scheme, parameters = {}) => requests.push({ activation, scheme, parameters });
    for (const scheme of ["xavier_uniform", "he_normal", "lecun_normal", "orthogonal", "identity"]) add(scheme);
    for (const stddev of [0, 1e-9, 0.005, 0.01, 0.03, 0.05, 0.0625, 0.0884, 0.11, 0.3, 2]) add("normal", { stddev });
    for (const high of [0.02, 0.1, 0.2]) add("uniform", { low: -high, high });
    for (const gain of [0.3, 1.5, 3]) add("xavier_normal", { gain });
    add("normal", { mean: 0.1, stddev: 0.005 });
    add("sparse", { sparsity: 0.5 });
  }
  const manifest = join(directory, "advisories.json");
  const entries = requests.map((request, i) => ({ name: `t${i}`, tensor: { shape, ...request } }));
  writeFileSync(manifest, JSON.stringify({ version: 1, entries }));
  const plan = JSON.parse(weightinit("model", "plan", manifest, "--seed", "1", "--json"));
  const codes = new Set();
  requests.forEach(({ activation, scheme, parameters }, i) => {
    const options = /** @type {any} */ ({ name: `t${i}`, shape, activation, scheme, ...parameters, seed: 1 });
    const { advisories } = describe(options);
    assert.deepEqual(advisories, plan.tensors[i].advisories, JSON.stringify(options));
    for (const { code } of advisories) codes.add(code);
  });
  assert.equal(codes.size, 6);
});

test("a part has the values of the tensor of its name", () => {
  const common = { layout: /** @type {const} */ ("in_out"), scheme: /** @type {const} */ ("normal"), seed: 1 };
  const parts = [
    { name: "q", size: 3 },
    { name: "k", size: 2 },
  ];
  const fused = tensor({ ...common, name: "qkv", shape: [4, 5], concatenation: { axis: 1, parts } });
  const q = tensor({ ...common, name: "q", shape: [4, 3] });
  const k = tensor({ ...common, name: "k", shape: [4, 2] });
  for (let row = 0; row < 4; ++row) {
    const joined = [...q.slice(3 * row, 3 * row + 3), ...k.slice(2 * row, 2 * row + 2)];
    assert.deepEqual([...fused.slice(5 * row, 5 * row + 5)], joined);
  }
});

test("schemes and the initializers of frameworks are those of the command", { skip: CLI.skip }, () => {
  const catalogue = JSON.parse(weightinit("schemes", "--json"));
  assert.deepEqual(
    Object.keys(SCHEMES),
    catalogue.map((/** @type {any} */ scheme) => scheme.name),
  );
  /** @param {string} key */
  const camel = (key) => key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  const offered = catalogue.flatMap((/** @type {any} */ scheme) =>
    scheme.framework_schemes.map((/** @type {any} */ other) => [
      other.name,
      {
        scheme: scheme.name,
        defaults: Object.fromEntries(Object.entries(other.defaults).map(([key, value]) => [camel(key), value])),
        absoluteBounds: other.absolute_bounds,
      },
    ]),
  );
  const ours = Object.entries(FRAMEWORK_SCHEMES).map(([name, scheme]) => [
    name,
    { defaults: {}, absoluteBounds: false, ...scheme },
  ]);
  assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(offered));
});

test("an initializer of a framework brings its parameters", () => {
  const glorot = describe({ shape: [64, 32], scheme: "keras.glorot_normal" });
  assert.equal(glorot.scheme, "variance_scaling");
  assertClose(glorot.stddev, Math.sqrt(2 / 96), "stddev");
  const cut = describe({ shape: [64], scheme: "torch.trunc_normal", mean: 1, stddev: 0.5 });
  assert.deepEqual([cut.low, cut.high], [-2, 2]);
  assert.throws(() => describe(/** @type {any} */ ({ shape: [4, 4], scheme: "kaiming_normal" })), /scheme/);
});

test("the role chooses the scheme, as the command does it", { skip: CLI.skip }, () => {
  for (const role of CHOICES.role) {
    for (const shape of [[8], [8, 1]]) {
      const args = ["--shape", shape.join("x"), "--name", "w", "--role", role, "--fan-in", "5", "--fan-out", "5"];
      const printed = JSON.parse(weightinit("describe", "--json", ...args));
      const options = /** @type {any} */ ({ name: "w", shape, role, fanIn: 5, fanOut: 5 });
      assertDescribed(describe(options), printed);
    }
  }
  assert.equal(describe({ shape: [8], role: "norm_scale" }).scheme, "ones");
});

test("descriptions say what the command prints", { skip: CLI.skip }, () => {
  const random = new Random(17);
  for (let i = 0; i < 100; ++i) {
    const { seed, ...request } = randomRequest(random);
    const flat = { ...request, ...request.parameters, seed: String(seed) };
    delete flat.parameters;
    const args = Object.entries(flat).flatMap(([key, value]) => {
      const option = `--${key.replaceAll("_", "-")}`;
      if (key === "slice")
        return [`${option}=${value.map((/** @type {any} */ r) => `${r[0]}:${r[1] ?? ""}`).join(",")}`];
      if (typeof value === "boolean") return value ? [option] : [];
      return [option, Array.isArray(value) ? value.join(",") : String(value)];
    });
    const options = /** @type {any} */ (optionsOf({ ...request, seed }));
    if (options.shape.length === 0) delete options.slice;
    const printed = JSON.parse(weightinit("describe", "--json", ...args.filter((arg) => arg !== "--slice=")));
    assertDescribed(describe(options), printed);
    assert.equal(describe(options).parameters?.distribution ?? null, printed.distribution);
  }
});

test("the key and the stream of the worked example are integers of 64 bits", () => {
  const { key, stream } = describe({ shape: [1], name: "fc1.weight", seed: 42 });
  assert.equal(key, 0x84e2e2f5fbfb506bn);
  assert.equal(stream, 0x8142b8e2fd0341ecn);
});
