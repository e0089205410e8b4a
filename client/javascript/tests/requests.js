// Requests of tests, as tests/golden and weightinit-generate write them, and the
// options of this package.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @param {string} path from the root of the repository */
export const inRepository = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/**
 * A program that a test needs: `variable` of the environment names it, or `usual`.
 *
 * @param {string} variable
 * @param {string[]} usual
 * @returns {{command: string, skip: string | false}}
 */
export function tool(variable, usual) {
  const named = process.env[variable];
  const found = named ?? usual.find((path) => existsSync(path));
  if (found !== undefined && existsSync(found)) return { command: found, skip: false };
  const missing = `${usual.join(" and ")} missing; ${variable} may name another`;
  if (process.env.WEIGHTINIT_REQUIRE_ALL_TOOLS) throw new Error(missing);
  return { command: "", skip: missing };
}

export const GENERATE = tool("WEIGHTINIT_GENERATE", [inRepository("build/ci/bin/weightinit-generate")]);
export const CLI = tool("WEIGHTINIT_CLI", [inRepository("build/ci/bin/weightinit")]);

/**
 * @typedef {Record<string, any>} Request with the keys of weightinit-generate
 * @typedef {Record<string, any>} Options of this package
 */

/** @param {string} key */
export const camelCase = (key) => key.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/**
 * @param {Request} request
 * @returns {Options}
 */
export const optionsOf = ({ parameters, ...others }) =>
  Object.fromEntries(Object.entries({ ...others, ...parameters }).map(([key, value]) => [camelCase(key), value]));

/**
 * JSON with every digit of bigints and the sign of -0.
 *
 * @param {Request} request
 */
export const jsonOf = (request) =>
  JSON.stringify(request, (_, value) => {
    if (typeof value === "bigint") return `#${value}`;
    return Object.is(value, -0) ? "#-0.0" : value;
  }).replace(/"#([-.0-9]+)"/g, "$1");

/** The cases of the golden files. */
export function goldens() {
  const files = readdirSync(inRepository("tests/golden")).filter((name) => name.endsWith(".txt"));
  const text = files.map((name) => readFileSync(inRepository(`tests/golden/${name}`), "utf8")).join("");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [request, elements, crc32, first] = line.split("\t");
    // A seed may have more digits than a number.
    const options = optionsOf(JSON.parse(request.replace(/"seed": (\d+)/, '"seed": "$1"')));
    return { options, elements: Number(elements), crc32, first: first === "-" ? [] : first.split(" ") };
  });
}

/**
 * What weightinit-generate answers: for each request its bytes, or the text of its error.
 *
 * @param {Request[]} requests
 * @returns {(Uint8Array | string)[]}
 */
export function generate(requests) {
  const input = requests.map((request) => `${jsonOf(request)}\n`).join("");
  const output = execFileSync(GENERATE.command, { input, maxBuffer: 2 ** 30 });
  let at = 0;
  const take = (/** @type {number} */ count) => {
    at += count;
    return output.subarray(at - count, at);
  };
  const length = () => take(8).readBigUInt64LE();
  return requests.map(() => {
    const bytes = length();
    return bytes === 2n ** 64n - 1n ? take(Number(length())).toString() : take(Number(bytes));
  });
}

/** @param {ArrayBufferView} array */
export const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
