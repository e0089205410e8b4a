"""Whole models by the command line: what plan lists, what init stores, what verify tells apart."""

import json
import os
import re
import struct
import unittest
import zlib

from cli_process import real_server
from model_process import ENTRIES, MODEL, RELU, TENSORS, BUFFERS, DTYPES, BYTES, FILE_ORDER, read_safetensors, tensors_of, ModelTestCase


class PlanTest(ModelTestCase):

    def test_json_has_the_totals(self):
        plan = self.json_of("plan", self.manifest)
        plan.pop("tensors")
        self.assertRegex(plan.pop("fingerprint"), "^[0-9a-f]{64}$")
        self.assertEqual(plan, {
            "model": "tiny", "seed": 0, "seed_name": None, "generator": "philox4x32_v1", "tensor_count": 10,
            "aliases": 1, "parameters": 301070, "buffer_elements": 10, "model_bytes": 1204338,
            "selected_tensors": 9, "bytes": 1204338, "advisories": []})

    def test_json_has_each_tensor_in_the_order_of_the_entries(self):
        tensors = self.json_of("plan", self.manifest)["tensors"]
        self.assertEqual(tensors.pop(8), {"name": "tied", "alias_of": "fc1.weight"})
        self.assertEqual([tensor["name"] for tensor in tensors], list(TENSORS))
        offset = 0
        for tensor in tensors:
            name = tensor["name"]
            with self.subTest(name):
                shape, dtype, rules, _ = TENSORS[name]
                self.assertEqual((tensor["shape"], tensor["dtype"], tensor["layout"]), (shape, dtype, "out_in"))
                self.assertEqual(tensor["rules"], rules)
                self.assertEqual(tensor["buffer"], name in BUFFERS)
                self.assertEqual((tensor["byte_offset"], tensor["bytes"]), (offset, BYTES[name]))
                offset += BYTES[name]

    def test_json_describes_tensors_as_describe_does(self):
        for tensor in self.json_of("plan", self.manifest)["tensors"]:
            if "alias_of" in tensor or tensor["name"] == "qk":
                continue
            shape, dtype, _, options = TENSORS[tensor["name"]]
            described = json.loads(self.succeed(
                "describe", "--json", "--shape", "x".join(map(str, shape)), "--dtype", dtype, *options).stdout)
            with self.subTest(tensor["name"]):
                for field in ("scheme", "mean", "stddev"):
                    self.assertEqual(tensor[field], described[field], field)
                for field in ("fan_in", "fan_out"):
                    self.assertEqual(tensor.get(field), described[field], field)

    def test_json_has_the_parts(self):
        qk = self.json_of("plan", self.manifest, "--only", "qk")["tensors"][0]
        self.assertEqual((qk["axis"], qk["stacked"]), (0, False))
        self.assertNotIn("scheme", qk)
        self.assertEqual([(p["name"], p["shape"], p["scheme"], p["fan_in"], p["fan_out"]) for p in qk["parts"]],
                         [("q", [2, 4], "he_normal", 4, 2), ("k", [4, 4], "he_uniform", 4, 4)])

    def test_text_has_a_line_for_each_tensor(self):
        text = self.succeed("model", "plan", self.manifest).stdout.decode()
        table = text.split("\n\n")[0].splitlines()
        self.assertEqual(table[0].split(), ["name", "shape", "dtype", "scheme", "stddev"])
        rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in table[1:]}
        self.assertEqual(list(rows), [*list(TENSORS)[:8], "tied", "qk"])
        for name, pattern in {
            "fc1.weight": r"1000x300 +float32 +he_normal +0\.0816497",
            "fc1.bias": r"1000 +float32 +constant +0, rule 1",
            "norm.running_var": r"5 +float32 +ones +0, buffer",
            "half": r"7x3 +float16 +he_normal +0\.816497, rule 0",
            "wide": r"3x5 +float64 +uniform +1\.1547",
            "tied": r"is fc1\.weight",
            "qk": r"6x4 +float32 +2 parts +0\.[0-9]+, rule 2",
        }.items():
            self.assertRegex(rows[name], f"^{pattern}$")

    def test_text_has_the_totals(self):
        text = self.succeed("model", "plan", self.manifest, "--seed", "0xff").stdout.decode()
        fingerprint = self.json_of("plan", self.manifest, "--seed", "255")["fingerprint"]
        self.assertEqual(text.split("\n\n")[1].splitlines(), [
            "model        tiny",
            "tensors      10, of them 1 alias",
            "parameters   301070, and 10 elements of buffers",
            "bytes        1204338",
            "generator    philox4x32_v1, seed 255",
            f"fingerprint  {fingerprint}",
        ])

    def test_selection_keeps_the_fingerprint_and_counts_what_is_selected(self):
        whole = self.json_of("plan", self.manifest)
        plan = self.json_of("plan", self.manifest, "--only", "norm.*", "--only", "h?lf")
        self.assertEqual([tensor["name"] for tensor in plan["tensors"]],
                         ["norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "half"])
        self.assertEqual([tensor["byte_offset"] for tensor in plan["tensors"]], [0, 20, 40, 60, 80])
        self.assertEqual((plan["selected_tensors"], plan["bytes"]), (5, 122))
        for field in ("fingerprint", "tensor_count", "parameters", "buffer_elements", "model_bytes"):
            self.assertEqual(plan[field], whole[field])
        text = self.succeed("model", "plan", self.manifest, "--only", "h?lf", "--only", "norm.*").stdout.decode()
        self.assertIn("\nselected     5 tensors, 122 bytes\n", text)

    def test_fingerprint_depends_on_the_seed_and_on_each_tensor(self):
        fingerprints = {self.json_of("plan", self.manifest)["fingerprint"],
                        self.json_of("plan", self.manifest, "--seed", "1")["fingerprint"]}
        for number in range(len(ENTRIES)):
            if ENTRIES[number]["name"] == "fc1":
                continue
            entries = ENTRIES[:number] + ENTRIES[number + 1 :]
            other = self.write("other.json", json.dumps({**MODEL, "entries": entries}))
            fingerprints.add(self.json_of("plan", other)["fingerprint"])
        self.assertEqual(len(fingerprints), 2 + len(ENTRIES) - 1)

    def test_rule_that_matches_nothing_is_an_advisory(self):
        manifest = self.write("rules.json", json.dumps({**MODEL, "rules": [{"match": "nowhere.*", "scheme": "ones"}]}))
        result = self.succeed("model", "plan", manifest)
        self.assertRegex(result.stderr.decode(), 'advisory: rule 0, "nowhere.*"')

    def test_yaml_and_json_say_the_same_model(self):
        yaml = self.write("model.yaml", "\n".join([
            "# The model of these tests.", "version: 1", "name: tiny", "defaults: {activation: relu}", "entries:",
            "  - {name: fc1, dense: {in_features: 300, out_features: 1000}}",
            "  - {name: norm, batch_norm: {num_features: 5}}",
            "  - {name: half, tensor: {shape: [7, 3], dtype: bf16}}",
            "  - name: wide",
            "    tensor: {shape: [3, 5], dtype: float64, scheme: uniform, parameters: {low: -1, high: 3}}",
            "  - {name: tied, alias: fc1.weight}",
            "  - name: qk", "    tensor:", "      shape: [6, 4]", "      concatenation:", "        parts:",
            "          - {name: q, size: 2}", "          - {name: k, size: 4, scheme: kaiming_uniform}",
            "rules:", "  - {match: half, dtype: float16}",
            '  - {match: "*.bias", scheme: constant, parameters: {value: 0.5}}',
            "  - {match: k, parameters: {fan_mode: out}}", ""]))
        self.assertEqual(self.json_of("plan", yaml), self.json_of("plan", self.manifest))

    def test_manifest_from_standard_input(self):
        expected = self.succeed("model", "plan", self.manifest).stdout
        content = self.standard_input(json.dumps(MODEL).encode())
        self.assertEqual(self.succeed("model", "plan", "-", stdin=content).stdout, expected)

    def test_server_plans_the_same(self):
        with real_server() as server:
            self.assertEqual(self.json_of("plan", self.manifest, "--server", server.address),
                             self.json_of("plan", self.manifest))


class InitTest(ModelTestCase):

    def test_file_is_a_safetensors_file_with_the_tensors_in_order(self):
        content = self.init()
        (length,) = struct.unpack_from("<Q", content)
        self.assertEqual(length % 8, 0)
        self.assertRegex(content[8 : 8 + length], rb"^\{.*\} {0,7}$")
        header, data = read_safetensors(content)
        header.pop("__metadata__")
        self.assertEqual(list(header), FILE_ORDER)
        offset = 0
        for name, tensor in header.items():
            shape, dtype, _, _ = TENSORS[name]
            self.assertEqual(tensor, {"dtype": DTYPES[dtype][0], "shape": shape,
                                      "data_offsets": [offset, offset + BYTES[name]]}, name)
            offset += BYTES[name]
        self.assertEqual(len(data), offset)

    def test_metadata_says_how_to_make_the_file_again(self):
        header, _ = read_safetensors(self.init("--seed", "18446744073709551615"))
        self.assertEqual(header["__metadata__"], {
            "format": "pt",
            "tied": "fc1.weight",
            "weightinit.fingerprint":
                self.json_of("plan", self.manifest, "--seed", "18446744073709551615")["fingerprint"],
            "weightinit.generator": "philox4x32_v1",
            "weightinit.seed": "18446744073709551615",
        })

    def test_each_tensor_is_what_init_makes_of_its_name(self):
        tensors = tensors_of(self.init("--seed", "42"))

        def single(name, shape, *options):
            return self.succeed("init", "--seed", "42", "--name", name, "--shape", shape, *options, "-o", "-").stdout

        for name, (shape, dtype, _, options) in TENSORS.items():
            if options:
                with self.subTest(name):
                    self.assertEqual(
                        tensors[name], single(name, "x".join(map(str, shape)), "--dtype", dtype, *options))
        self.assertEqual(tensors["qk"], single("q", "2x4", *RELU)
                         + single("k", "4x4", "--scheme", "he_uniform", "--fan-mode", "out"))

    def test_order_of_the_entries_changes_no_byte(self):
        reverse = self.write("reverse.json", json.dumps({**MODEL, "entries": ENTRIES[::-1]}))
        self.assertEqual(self.init(manifest=reverse), self.init())

    def test_number_of_threads_changes_no_byte(self):
        expected = self.init()
        for threads in ("1", "3"):
            with self.subTest(threads=threads):
                self.assertEqual(self.init("--threads", threads), expected)

    def test_simd_target_changes_no_byte(self):
        self.assertEqual(self.init(before=["--simd-target", "scalar"]), self.init())

    def test_server_delivers_the_same_bytes(self):
        with real_server() as server:
            for arguments in ((), ("--seed", "7"), ("--only", "*.bias", "--only", "qk")):
                with self.subTest(arguments):
                    self.assertEqual(self.init(*arguments, "--server", server.address), self.init(*arguments))

    def test_manifest_from_standard_input(self):
        self.succeed("model", "init", "-", "-o", self.path("x.safetensors"),
                     stdin=self.standard_input(json.dumps(MODEL).encode()))
        self.assertEqual(self.read("x.safetensors"), self.init())

    def test_selection_holds_the_same_bytes_of_the_tensors_it_selects(self):
        whole = self.init()
        part = self.init("--only", "*.weight", "--only", "w?de", "--only", "qk")
        names = ["wide", "fc1.weight", "norm.weight", "qk"]
        self.assertEqual(tensors_of(part), {name: tensors_of(whole)[name] for name in names})
        self.assertEqual(read_safetensors(part)[0]["__metadata__"]["weightinit.fingerprint"],
                         read_safetensors(whole)[0]["__metadata__"]["weightinit.fingerprint"])

    def test_named_seed_is_stored_as_its_number(self):
        root = self.root_seed_file()
        number = self.succeed("seed", "resolve", "run-1", "--root-seed-file", root).stdout.decode().strip()
        expected = self.init("--seed", number)
        self.assertEqual(self.init("--seed-name", "run-1", "--root-seed-file", root), expected)
        with real_server("--root-seed-file", root) as server:
            self.assertEqual(self.init("--seed-name", "run-1", "--server", server.address), expected)

    def test_name_of_the_seed_is_reported_by_a_server(self):
        with real_server("--root-seed-file", self.root_seed_file()) as server:
            plan = self.json_of("plan", self.manifest, "--seed-name", "run-1", "--server", server.address)
        self.assertEqual(plan["seed_name"], "run-1")

    def test_name_of_the_seed_is_reported_without_a_server(self):
        plan = self.json_of("plan", self.manifest, "--seed-name", "run-1", "--root-seed-file", self.root_seed_file())
        self.assertEqual(plan["seed_name"], "run-1")

    def test_json_reports_what_was_stored(self):
        output = self.path("x.safetensors")
        report = self.json_of("init", self.manifest, "-o", output)
        self.assertGreater(report.pop("seconds"), 0)
        plan = self.json_of("plan", self.manifest)
        plan.pop("tensors")
        tensors = tensors_of(self.read("x.safetensors"))
        self.assertEqual(report, {
            **plan, "output": output, "file_bytes": os.path.getsize(output), "resumed": 0,
            "crc32": zlib.crc32(b"".join(tensors[name] for name in TENSORS))})

    def test_text_reports_what_was_stored(self):
        output = self.path("x.safetensors")
        text = self.succeed("model", "init", self.manifest, "-o", output).stdout.decode()
        self.assertRegex(text, r"(?m)^crc32        [0-9a-f]{8}$")
        self.assertRegex(text, rf"(?m)^output       {re.escape(output)}, [0-9,]+ bytes in [0-9.]+ s, ")

    def test_existing_file_is_replaced(self):
        self.write("x.safetensors", "something else")
        self.succeed("model", "init", self.manifest, "-o", self.path("x.safetensors"))
        self.assertEqual(self.read("x.safetensors"), self.init())

    def test_tensors_without_elements_and_scalars_are_stored(self):
        manifest = self.write("odd.json", json.dumps({"version": 1, "entries": [
            {"name": "none", "tensor": {"shape": [0, 4]}}, {"name": "scalar", "tensor": {"scheme": "ones"}}]}))
        header, data = read_safetensors(self.init(manifest=manifest))
        self.assertEqual(header["none"], {"dtype": "F32", "shape": [0, 4], "data_offsets": [0, 0]})
        self.assertEqual(header["scalar"], {"dtype": "F32", "shape": [], "data_offsets": [0, 4]})
        self.assertEqual(data, struct.pack("<f", 1))


class VerifyTest(ModelTestCase):

    def setUp(self):
        super().setUp()
        self.file = self.write("x.safetensors", self.init())

    def fail_to_verify(self, content, *arguments):
        return self.fail_with(4, "model", "verify", self.write("other.safetensors", content), self.manifest, *arguments)

    def place_of(self, name, element):
        """The first byte of an element in the file."""
        content = self.read("x.safetensors")
        header, data = read_safetensors(content)
        size = DTYPES[TENSORS[name][1]][1]
        return len(content) - len(data) + header[name]["data_offsets"][0] + element * size

    def flipped(self, *places):
        content = bytearray(self.read("x.safetensors"))
        for place in places:
            content[place] ^= 1
        return bytes(content)

    def test_equal_file(self):
        result = self.succeed("model", "verify", self.file, self.manifest)
        self.assertEqual(result.stdout.decode(), f"{self.file}: 9 tensors, 1204338 bytes, equal\n")
        self.assertEqual(result.stderr, b"")

    def test_json_is_one_object(self):
        self.assertIsInstance(self.json_of("verify", self.file, self.manifest), dict)

    def test_equal_file_whatever_computes(self):
        reverse = self.write("reverse.json", json.dumps({**MODEL, "entries": ENTRIES[::-1]}))
        self.succeed("model", "verify", self.file, reverse)
        self.succeed("model", "verify", self.file, self.manifest, "--threads", "3")
        self.succeed("--simd-target", "scalar", "model", "verify", self.file, self.manifest)
        with real_server() as server:
            self.succeed("model", "verify", self.file, self.manifest, "--server", server.address)

    def test_equal_file_of_a_named_seed(self):
        seed = ("--seed-name", "run-1", "--root-seed-file", self.root_seed_file())
        file = self.write("named.safetensors", self.init(*seed))
        self.succeed("model", "verify", file, self.manifest, *seed)

    def test_manifest_from_standard_input(self):
        self.succeed("model", "verify", self.file, "-", stdin=self.standard_input(json.dumps(MODEL).encode()))

    def test_selection_of_a_file_that_holds_it(self):
        only = ("--only", "norm.*", "--only", "qk")
        file = self.write("part.safetensors", self.init(*only))
        self.succeed("model", "verify", file, self.manifest, *only)
        self.fail_with(4, "model", "verify", file, self.manifest)
        self.fail_with(4, "model", "verify", self.file, self.manifest, *only)

    def test_flipped_bit_names_tensor_and_element(self):
        for name, element in (("fc1.weight", 0), ("fc1.weight", 123456), ("fc1.weight", 299999), ("half", 20),
                              ("wide", 7), ("qk", 23)):
            size = DTYPES[TENSORS[name][1]][1]
            for byte in (0, size - 1):
                with self.subTest(name, element=element, byte=byte):
                    message = self.fail_to_verify(self.flipped(self.place_of(name, element) + byte))
                    self.assertIn(f'differs: tensor "{name}" from element {element} on', message)

    def test_first_of_several_differences_in_the_order_of_the_model(self):
        content = self.flipped(self.place_of("wide", 0), self.place_of("fc1.weight", 250000),
                               self.place_of("fc1.weight", 40000), self.place_of("qk", 3))
        for threads in ("1", "3"):
            message = self.fail_to_verify(content, "--threads", threads)
            self.assertIn('tensor "fc1.weight" from element 40000 on', message)

    def test_flipped_bit_is_found_through_a_server(self):
        with real_server() as server:
            message = self.fail_to_verify(self.flipped(self.place_of("qk", 5)), "--server", server.address)
        self.assertIn('tensor "qk" from element 5 on', message)

    def test_changed_header(self):
        self.assertIn("header", self.fail_to_verify(self.flipped(20)))

    def test_another_seed(self):
        self.assertIn("seed", self.fail_to_verify(self.init("--seed", "1")))
        self.fail_with(4, "model", "verify", self.file, self.manifest, "--seed", "1")

    def test_another_model(self):
        other = self.write("other.json", json.dumps({**MODEL, "rules": []}))
        self.fail_with(4, "model", "verify", self.file, other)

    def test_truncated_or_longer_file(self):
        content = self.read("x.safetensors")
        for other in (content[:-1], content[:100], content[:5], b"", content + b"\0"):
            with self.subTest(len(other)):
                message = self.fail_to_verify(other)
                self.assertIn(f"it has {len(other)} bytes, the model's file has {len(content)}", message)

    def test_missing_file(self):
        message = self.fail_with(1, "model", "verify", self.path("none.safetensors"), self.manifest)
        self.assertIn("No such file", message)

    def test_file_is_not_touched(self):
        before = self.read("x.safetensors"), os.stat(self.file).st_mtime_ns
        self.succeed("model", "verify", self.file, self.manifest)
        self.fail_with(4, "model", "verify", self.file, self.manifest, "--seed", "1")
        self.assertEqual((self.read("x.safetensors"), os.stat(self.file).st_mtime_ns), before)


if __name__ == "__main__":
    unittest.main()
