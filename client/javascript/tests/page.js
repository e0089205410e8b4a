// What the page of browser.test.js runs: each vector, and what differs from it.

import { tensor } from "../src/index.js";
// @ts-expect-error: made by the test's server
import vectors from "./made/vectors.js";
import { summary } from "./vectors.js";

const differences = [];
for (const { options, ...expected } of vectors) {
  const { elements, crc32, first } = summary(tensor({ ...options, seed: String(options.seed ?? 0) }));
  const same = elements === expected.elements && crc32 === expected.crc32;
  if (!same || first.join() !== expected.first.join()) differences.push({ options, elements, crc32, first });
}
const report = { vectors: vectors.length, differences: differences.slice(0, 3), userAgent: navigator.userAgent };
document.title = "done";
document.body.textContent = JSON.stringify(report);
