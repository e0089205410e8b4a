// usage: node tests/all_words.js FUNCTION...
//
// Hashes functions over all words, as "Hashes over all words" of core/DETERMINISM.md
// says, and compares with its table: minutes to a quarter of an hour each. Exit status 1
// if one differs.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { DRAWS32 } from "../src/draws32.js";
import { DRAWS64 } from "../src/draws64.js";
import { bfloat16, float16 } from "../src/encode.js";
import { TILE } from "../src/numbers.js";
import { Sampler } from "../src/sampler.js";
import { bytesOf, inRepository } from "./requests.js";

const PART = 2 ** 24;
const STEP = 0x9e3779b97f4a7c15n;

const BOUNDS = { "quantile.center": [-2, 2], "quantile.all": [-30, 30], "quantile.tail": [1, 30] };

/**
 * Sets the words of one tile: those of n = first, first + 1, …
 *
 * @param {Int32Array} words
 * @param {number} first
 * @param {number} count
 * @param {boolean} wide
 * @param {"each" | "radius" | "angle"} use
 */
function setWords(words, first, count, wide, use) {
  const stride = use === "each" ? 1 : 2;
  const offset = use === "angle" ? 1 : 0;
  words.fill(0);
  for (let i = 0; i < count; ++i) {
    const element = stride * i + offset;
    if (wide) {
      const word = BigInt(first + i) * STEP;
      words[2 * element] = Number(BigInt.asIntN(32, word));
      words[2 * element + 1] = Number(BigInt.asIntN(32, word >> 32n));
      if (use === "angle") words[2 * element - 1] = 0x80000000;
    } else {
      words[element] = first + i;
      if (use === "angle") words[element - 1] = 0x80000000;
    }
  }
}

/** @param {string} name such as "radius.binary32" */
function hashOf(name) {
  const [, base, format] = /^(.*)\.(binary32|binary64|binary16|bfloat16)$/.exec(name) ?? [];
  const wide = format === "binary64";
  const draws = wide ? DRAWS64 : DRAWS32;
  const use = base === "angle" ? "angle" : base === "radius" || base === "encode" ? "radius" : "each";
  const bounds = BOUNDS[/** @type {keyof typeof BOUNDS} */ (base)];
  const [low, high] = bounds ?? [-1, 1];
  const distribution = bounds ? "truncated_normal" : use === "each" ? "uniform" : "normal";
  const precision = wide ? "binary64" : "binary32";
  const key = { k0: 0, k1: 0, s0: 0, s1: 0 };
  const { numbers, draw } = new Sampler({ distribution, mean: 0, stddev: 1, low, high }, precision, key);
  if (draw === null || !Object.values(draws).includes(draw)) throw new Error(`no function ${name}`);
  const perTile = use === "each" ? TILE : TILE / 2;
  const words = new Int32Array(2 * TILE);
  const tile = wide ? new Float64Array(TILE) : new Float32Array(TILE);
  const encode = { binary16: float16, bfloat16 }[format];
  const encoded = new Uint16Array(TILE);
  const all = createHash("sha256");
  for (let part = 0; part < 256; ++part) {
    const hash = createHash("sha256");
    for (let n = 0; n < PART; n += perTile) {
      setWords(words, part * PART + n, perTile, wide, use);
      draw(numbers, words, TILE, tile);
      if (encode) for (let i = 0; i < TILE; ++i) encoded[i] = encode(tile[i]);
      hash.update(bytesOf(encode ? encoded : tile));
    }
    all.update(hash.digest("hex"));
  }
  return all.digest("hex");
}

const page = readFileSync(inRepository("core/DETERMINISM.md"), "utf8");
const expected = new Map([...page.matchAll(/^\| `([a-z0-9.]+)` \| `([0-9a-f]{64})` \|$/gm)].map(([, n, h]) => [n, h]));
for (const name of process.argv.slice(2)) {
  if (!expected.has(name)) throw new Error(`${name} is none of ${[...expected.keys()].join(", ")}`);
  const equal = hashOf(name) === expected.get(name);
  console.log(`${name} ${equal ? "as in core/DETERMINISM.md" : "DIFFERS"}`);
  if (!equal) process.exitCode = 1;
}
