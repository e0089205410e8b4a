"""The catalogue of schemes: as it is printed, and as the documents have it."""

import json
import pathlib
import re
import unittest

from cli_process import CliTestCase

ROOT = pathlib.Path(__file__).resolve().parents[2]


class SchemesTest(CliTestCase):
    def catalogue(self):
        return json.loads(self.succeed("schemes", "--json").stdout)

    def test_all_schemes_are_listed_with_their_parameters(self):
        lines = self.succeed("schemes").stdout.decode().splitlines()
        catalogue = self.catalogue()
        self.assertEqual([line.split()[0] for line in lines], [scheme["name"] for scheme in catalogue])
        self.assertEqual([scheme["name"] for scheme in catalogue],
                         json.loads(self.succeed("info", "--json").stdout)["schemes"])
        for line, scheme in zip(lines, catalogue, strict=True):
            for parameter in scheme["parameters"]:
                self.assertIn(f"{parameter['name']} {parameter['default']}" if parameter["default"]
                              else f"{parameter['name']}, required", line)

    def test_one_scheme_is_shown_by_its_name_or_another_one(self):
        for name in ("he_uniform", "KAIMING_uniform"):
            page = self.succeed("schemes", name).stdout.decode()
            self.assertIn("he_uniform\n", page)
            self.assertIn("He et al. 2015\n", page)
            self.assertIn("default in\n", page)
            self.assertEqual(json.loads(self.succeed("schemes", name, "--json").stdout)["name"], "he_uniform")

    def test_an_unknown_scheme_is_an_error(self):
        self.assertIn('NAME: "xavier" is no scheme', self.fail_with(2, "schemes", "xavier"))

    def test_the_table_of_the_readme_has_each_scheme_and_its_parameters(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| (`.*)", readme.partition("\n## Schemes\n")[2].partition("\nXavier is")[0], re.M)
        for scheme in self.catalogue():
            found = [row for row in rows if f"`{scheme['name']}`" in row.partition(" | ")[0]]
            self.assertEqual(len(found), 1, scheme["name"])
            for parameter in scheme["parameters"]:
                default = parameter["default"] or ""
                number = re.fullmatch(r"-?[0-9.]+", default) is not None
                text = f"`{parameter['name']}`" + (f" {default.replace('-', '−')}" if number else "")
                self.assertIn(text, found[0], scheme["name"])

    def test_the_readme_has_each_name_of_a_framework_and_each_bare_one(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        part = readme.partition("\n**Names of frameworks**")[2].partition("`docs/parity.md`")[0]
        listed, _, bare = part.partition("\nBare other names ")
        found = [f"{framework}.{name}" for framework, names in re.findall(r"^- `(\w+)\.`: ((?:.|\n  )*)", listed, re.M)
                 for name in re.findall(r"`(\w+)`", names)]
        self.assertEqual(sorted(found), sorted(
            other["name"] for scheme in self.catalogue() for other in scheme["framework_schemes"]))
        self.assertEqual(sorted(re.findall(r"`(\w+)`\s+\(`(\w+)`\)", bare)), sorted(
            (alias, scheme["name"]) for scheme in self.catalogue() for alias in scheme["aliases"]))

    def test_the_comments_of_the_contract_name_each_parameter(self):
        contract = (ROOT / "proto/weightinit/v1/tensor.proto").read_text(encoding="utf-8")
        schemes = contract.partition("enum Scheme {")[2].partition("\n}\n")[0]
        for scheme in self.catalogue():
            before = schemes.partition(f"  SCHEME_{scheme['name'].upper()} = ")[0]
            comment = " ".join(re.sub(r"^ +// ", "", line) for line in
                               before.rpartition(";\n")[2].splitlines())
            if "all else as for" in comment:
                continue
            for parameter in scheme["parameters"]:
                self.assertIn(parameter["name"], comment, scheme["name"])
                if parameter["default"] and re.fullmatch(r"-?[0-9.]+", parameter["default"]):
                    self.assertTrue(f"default {parameter['default']})" in comment or "Takes gain." in comment, comment)


if __name__ == "__main__":
    unittest.main()
