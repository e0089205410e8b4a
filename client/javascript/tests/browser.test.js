// The same vectors in headless Chromium, from a page that this test serves.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { tensor } from "../src/index.js";
import { Random, randomRequest } from "./random_requests.js";
import { goldens, inRepository, optionsOf, tool } from "./requests.js";
import { summary } from "./vectors.js";

const CHROMIUM = tool("WEIGHTINIT_CHROMIUM", ["/usr/bin/chromium"]);

const PAGE = `<!doctype html><html lang="en"><title>weightinit</title><body>
<script type="module" src="/client/javascript/tests/page.js"></script></body></html>`;

/** The goldens, and random requests with what Node says of them. */
function vectors() {
  const random = new Random(23);
  const list = goldens();
  while (list.length < 800) {
    const options = /** @type {any} */ (optionsOf(randomRequest(random)));
    try {
      list.push({ options, ...summary(tensor(options)) });
    } catch (error) {
      // One that is not valid.
      assert.ok(error instanceof RangeError);
    }
  }
  return list;
}

/**
 * A module with a value in it, bigints and -0 too, which JSON has not.
 *
 * @param {any} value
 * @returns {string}
 */
function source(value) {
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (Array.isArray(value)) return `[${value.map(source).join()}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "undefined";
  return `{${Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${source(member)}`)}}`;
}

test("a browser makes the same bytes", { skip: CHROMIUM.skip }, async () => {
  const made = `export default ${source(vectors())};`;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (path === "/") {
      response.setHeader("Content-Type", "text/html; charset=utf-8").end(PAGE);
    } else if (/^\/client\/javascript\/(src|tests)\/[a-z0-9_]+\.js$/.test(path)) {
      response
        .setHeader("Content-Type", "text/javascript; charset=utf-8")
        .end(readFileSync(inRepository(path.slice(1))));
    } else if (path === "/client/javascript/tests/made/vectors.js") {
      response.setHeader("Content-Type", "text/javascript; charset=utf-8").end(made);
    } else {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const profile = mkdtempSync(join(tmpdir(), "weightinit-chromium-"));
  const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  args.push("--disable-background-networking", "--disable-component-update", "--disable-sync");
  args.push(`--user-data-dir=${profile}`, "--dump-dom", `http://127.0.0.1:${address.port}/`);
  const browser = spawn(CHROMIUM.command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
  let [html, messages] = ["", ""];
  browser.stdout.setEncoding("utf8").on("data", (text) => {
    html += text;
  });
  browser.stderr.setEncoding("utf8").on("data", (text) => {
    messages += text;
  });
  const [status] = await once(browser, "close");
  server.closeAllConnections?.();
  server.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  assert.equal(status, 0, messages);
  const body = /<body>(\{.*\})\s*<\/body>/s.exec(html.replaceAll("&amp;", "&"));
  assert.ok(body, `the page did not finish: ${html}${messages}`);
  const report = JSON.parse(body[1]);
  assert.deepEqual(report.differences, []);
  assert.equal(report.vectors, 800);
});
