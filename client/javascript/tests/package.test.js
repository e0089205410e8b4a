// The package as a whole: what its page says, what is packed, and numbers that stand
// elsewhere too.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inRepository } from "./requests.js";

const cwd = inRepository("client/javascript");

test("the snippets of the page print what it says", () => {
  const page = readFileSync(`${cwd}/README.md`, "utf8");
  const snippets = [...page.matchAll(/```(sh|js)\n(.*?)```\n\n```text\n(.*?)```/gs)];
  assert.equal(snippets.length, 2);
  for (const [, language, code, output] of snippets) {
    const printed =
      language === "sh"
        ? execFileSync("sh", ["-c", code], { cwd, encoding: "utf8" })
        : execFileSync(process.execPath, ["--input-type=module", "-e", code], { cwd, encoding: "utf8" });
    assert.equal(printed, output);
  }
});

test("the packed package works in a project that has nothing else", () => {
  const project = mkdtempSync(join(tmpdir(), "weightinit-package-"));
  try {
    const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", project], { cwd, encoding: "utf8" });
    const installed = join(project, "node_modules", "weightinit");
    mkdirSync(installed, { recursive: true });
    execFileSync("tar", ["-xzf", join(project, packed.trim()), "-C", installed, "--strip-components=1"]);
    const code = 'import { tensor } from "weightinit"; console.log(tensor({ shape: [], scheme: "ones" })[0]);';
    const args = ["--input-type=module", "-e", code];
    assert.equal(execFileSync(process.execPath, args, { cwd: project, encoding: "utf8" }), "1\n");
    const license = readFileSync(join(installed, "LICENSE"), "utf8");
    assert.equal(license, readFileSync(inRepository("LICENSE"), "utf8"));
  } finally {
    rmSync(project, { recursive: true });
  }
});

test("the version is that of the project, and nothing is needed at run time", () => {
  const { version, dependencies } = JSON.parse(readFileSync(`${cwd}/package.json`, "utf8"));
  const [, expected] =
    /project\(weightinit VERSION (\S+)/.exec(readFileSync(inRepository("CMakeLists.txt"), "utf8")) ?? [];
  assert.equal(version, expected);
  assert.equal(dependencies, undefined);
});
