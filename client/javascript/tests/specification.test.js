// The source and core/DETERMINISM.md say the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { BINARY32, BINARY64 } from "../src/numbers.js";
import { ACTIVATIONS, SCHEMES } from "../src/tables.js";
import { camelCase, inRepository } from "./requests.js";

const page = readFileSync(inRepository("core/DETERMINISM.md"), "utf8").replaceAll("−", "-");

/**
 * The rows of the table below a header line.
 *
 * @param {string} header
 */
function table(header) {
  const lines = page.slice(page.indexOf(`\n${header}\n`) + 1).split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(2, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("literals in the source are coefficients of the specification", () => {
  const coefficients = new Set(
    [...page.matchAll(/0x1(?:\.([0-9a-f]+))?p(-?\d+)/g)].map(([, digits = "", exponent]) => {
      const mantissa = 1 + Number.parseInt(`0${digits}`, 16) / 16 ** digits.length;
      return mantissa * 2 ** Number(exponent);
    }),
  );
  const source = readFileSync(inRepository("client/javascript/src/draws32.js"), "utf8");
  const literals = [...source.matchAll(/(?<![\w.])\d\.\d{6,}(?:e-\d+)?/g)].map(([text]) => Number(text));
  assert.ok(literals.length >= 15, `${literals.length} literals`);
  for (const literal of literals) assert.ok(coefficients.has(literal), String(literal));
});

test("activations choose the schemes of the specification", () => {
  const rows = table("| activation | scheme |").flatMap(([activations, scheme]) =>
    activations.split(", ").map((activation) => [activation.toLowerCase(), scheme.toLowerCase()]),
  );
  const said = Object.entries(ACTIVATIONS).map(([activation, { recommended }]) => [activation, recommended]);
  assert.deepEqual(rows.sort(), said.sort());
});

test("schemes take the parameters of the specification, with its defaults", () => {
  const rows = table("| scheme | parameters |");
  assert.equal(rows.length, 13);
  const named = rows.flatMap(([names, parameters]) => names.split(", ").map((name) => [name, parameters]));
  for (const [name, parameters] of named) {
    const schemes = Object.entries(SCHEMES).filter(([scheme]) =>
      new RegExp(`^${name.toLowerCase().replace("*", ".*")}$`).test(scheme),
    );
    assert.ok(schemes.length > 0, name);
    for (const [, { takes }] of schemes) {
      const taken = [...parameters.matchAll(/`(\w+)`/g)].map(([, parameter]) => camelCase(parameter));
      assert.deepEqual(taken.sort(), Object.keys(takes).sort(), name);
      for (const [, parameter, value] of parameters.matchAll(/`(\w+)` (-?[0-9]+(?:\.[0-9]+)?)/g)) {
        assert.equal(takes[camelCase(parameter)], Number(value), `${name} ${parameter}`);
      }
    }
  }
});

test("activations have the gain of variance of the specification", () => {
  const slope = 0.3;
  /** @type {Record<string, number>} */
  const gains = { "`2 ÷ (1 + slope × slope)`": 2 / (1 + slope * slope) };
  const rows = table("| activation | g |").flatMap(([activations, gain]) =>
    // "GELU, as ..." says which one.
    activations.split(", ").map((activation) => [activation.toLowerCase(), gains[gain] ?? Number(gain)]),
  );
  const said = Object.entries(ACTIVATIONS).flatMap(([activation, { varianceGain }]) =>
    varianceGain === undefined ? [] : [[activation, varianceGain(slope)]],
  );
  assert.deepEqual(rows.filter(([name]) => !String(name).startsWith("as ")).sort(), said.sort());
});

test("neighbours of a number have the signs and the ends of the specification", () => {
  const same = (/** @type {number} */ actual, /** @type {number} */ expected) => assert.ok(Object.is(actual, expected));
  const smallest = 2 ** -149;
  same(BINARY32.up(-1e-60), -0);
  same(BINARY32.up(1e-60), smallest);
  same(BINARY32.down(1e-60), 0);
  same(BINARY32.below(1e-60), 0);
  same(BINARY32.below(smallest), 0);
  same(BINARY32.up(-0), -0);
  same(BINARY32.down(-0), -0);
  same(BINARY32.below(0), -smallest);
  same(BINARY32.below(-0), -smallest);
  for (const F of [BINARY32, BINARY64]) {
    same(F.up(Infinity), F.largest);
    same(F.up(-Infinity), -F.largest);
    same(F.down(-Infinity), -F.largest);
    same(F.below(-F.largest), -F.largest);
    same(F.nearest(Infinity), F.largest);
  }
  same(BINARY64.below(1), 1 - 2 ** -53);
  same(BINARY64.up(0.1), 0.1);
  same(BINARY32.up(0.1), Math.fround(0.1));
  same(BINARY32.down(0.1), Math.fround(0.1) - 2 ** -27);
});
