"""What the command line computes, stores and reports."""

import hashlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import unittest
import zlib

import numpy as np

from cli_process import CLI, CliTestCase, real_server, run_cli, start_cli

DTYPES = {
    "float32": ("<f4", "F32"),
    "float64": ("<f8", "F64"),
    "float16": ("<f2", "F16"),
    "bfloat16": ("|V2", "BF16"),
}

MATRIX = ("--shape", "64x32", "--activation", "relu", "--seed", "42")

# Each is a valid request that uses the option, and what --json then says.
OPTIONS = {
    "--shape": (["--shape", "3,4x5"], {"shape": [3, 4, 5], "elements": 60}),
    "--name": (["--shape", "4x4", "--name", "a.b"], {"name": "a.b"}),
    "--seed": (["--shape", "4", "--seed", "18446744073709551615"],
               {"seed": 18446744073709551615}),
    "--activation": (["--shape", "4x4", "--activation", "SiLU"],
                     {"activation": "swish", "scheme": "he_normal"}),
    "--scheme": (["--shape", "4x4", "--scheme", "Lecun_Uniform"],
                 {"scheme": "lecun_uniform", "distribution": "uniform"}),
    "--role": (["--shape", "4", "--role", "Norm_Scale"], {"role": "norm_scale", "scheme": "ones"}),
    "--dtype": (["--shape", "4x4", "--dtype", "bf16"],
                {"dtype": "bfloat16", "bytes": 32}),
    "--layout": (["--shape", "3x3x8x16", "--layout", "in_out"],
                 {"layout": "in_out", "fan_in": 72, "fan_out": 144}),
    "--generator": (["--shape", "4x4", "--generator", "philox4x32_v1"],
                    {"generator": "philox4x32_v1"}),
    "--slice": (["--shape", "16x8", "--slice", "-4:,:-1"],
                {"shape": [16, 8], "slice": [[12, 16], [0, 7]], "slice_shape": [4, 7], "elements": 28}),
    "--first-element": (["--shape", "16x8", "--first-element", "100"],
                        {"elements": 28, "tensor_elements": 128}),
    "--element-count": (["--shape", "16x8", "--element-count", "100"],
                        {"elements": 100, "tensor_elements": 128}),
    "--chunk-bytes": (["--shape", "16x8", "--chunk-bytes", "64"], {"elements": 128}),
    "--groups": (["--shape", "16x2x3x3", "--groups", "4"],
                 {"fan_in": 18, "fan_out": 36}),
    "--transposed": (["--shape", "16x8x3", "--transposed"],
                     {"fan_in": 48, "fan_out": 24}),
    "--fan-in": (["--shape", "4x4", "--fan-in", "100"], {"fan_in": 100}),
    "--fan-out": (["--shape", "4x4", "--fan-out", "100"], {"fan_out": 100}),
    "--fan-mode": (["--shape", "8x2", "--scheme", "he_normal", "--fan-mode", "out"],
                   {"stddev": 0.5}),
    "--gain": (["--shape", "4x4", "--scheme", "xavier_normal", "--gain", "2"],
               {"gain": 2.0, "stddev": 1.0}),
    "--negative-slope": (["--shape", "4x4", "--activation", "leaky_relu",
                          "--negative-slope", "1"], {"gain": 1.0, "stddev": 0.5}),
    "--mean": (["--shape", "4x4", "--scheme", "normal", "--mean", "-2.5"],
               {"mean": -2.5}),
    "--stddev": (["--shape", "4x4", "--scheme", "normal", "--stddev", "1e-3"],
                 {"stddev": 1e-3, "low": None, "high": None}),
    "--low": (["--shape", "4x4", "--scheme", "uniform", "--low", "-3"], {"low": -3.0}),
    "--high": (["--shape", "4x4", "--scheme", "uniform", "--high", "3"], {"high": 3.0}),
    "--value": (["--shape", "4", "--scheme", "constant", "--value", "-0.5"],
                {"mean": -0.5, "low": -0.5, "high": -0.5, "stddev": 0.0}),
    "--scale": (["--shape", "4x4", "--scheme", "variance_scaling", "--scale", "4",
                 "--distribution", "normal"], {"gain": 2.0, "stddev": 1.0}),
    "--sparsity": (["--shape", "9x4", "--scheme", "sparse", "--sparsity", "0.4"],
                   {"zeros_per_column": 4, "distribution": "normal"}),
    "--distribution": (["--shape", "4x4", "--scheme", "variance_scaling",
                        "--distribution", "uniform"], {"distribution": "uniform"}),
    "--shard": (["--shape", "10x4", "--shard", "2/3"], {"slice_shape": [2, 4]}),
    "--axis": (["--shape", "10x5", "--shard", "0/2", "--axis", "1"], {"slice_shape": [10, 3]}),
}
# Options that do not say which tensor, and those of a seed's name; other tests use
# each of them.
OTHER_OPTIONS = {"--help", "--output", "--format", "--server", "--timeout", "--json", "--sha256",
                 "--threads", "--parallel", "--resume", "--seed-name", "--root-seed-file",
                 "--tls", "--tls-ca", "--tls-cert", "--tls-key", "--token-file", "--allow-plaintext-token"}


class CliTest(CliTestCase):

    def init(self, *arguments):
        """The JSON object of init."""
        return json.loads(self.succeed("init", "--json", *arguments).stdout)

    def data(self, *arguments):
        """The bytes of a tensor."""
        return self.succeed("init", "-o", "-", *arguments).stdout

    def test_every_option_is_read_by_init_and_describe(self):
        for option, (arguments, expected) in OPTIONS.items():
            with self.subTest(option):
                initialised = self.init(*arguments)
                described = json.loads(
                    self.succeed("describe", "--json", *arguments).stdout)
                for key, value in expected.items():
                    self.assertEqual(initialised[key], value, key)
                    self.assertEqual(described[key], value, key)

    def test_every_option_of_the_help_is_tested(self):
        help_text = self.succeed("init", "--help").stdout.decode()
        # An option starts a line, behind its short form if it has one.
        options = set(re.findall(r"^ +(?:-\w, *)?(--[a-z0-9-]+)", help_text, re.M))
        self.assertEqual(options, set(OPTIONS) | OTHER_OPTIONS)

    def test_an_empty_value_is_empty(self):
        for arguments in ["--shape=2", "--name=", "--seed=5"], ["--shape=2", "--name", "", "--seed=5"]:
            report = json.loads(self.succeed("describe", "--json", *arguments).stdout)
            self.assertEqual((report["name"], report["seed"]), ("", 5))
        report = json.loads(self.succeed("describe", "--json", "--shape=", "--seed", "5").stdout)
        self.assertEqual((report["shape"], report["seed"]), ([], 5))
        self.assertIn("--seed: ", self.fail_with(2, "describe", "--shape=2", "--seed=", "--name=x"))

    def test_npy_loads_in_numpy(self):
        for dtype, (descr, _) in DTYPES.items():
            with self.subTest(dtype):
                arguments = [*MATRIX, "--dtype", dtype]
                self.succeed("init", *arguments, "-o", self.path("w.npy"))
                array = np.load(self.path("w.npy"))
                self.assertEqual(array.dtype, np.dtype(descr))
                self.assertEqual(array.shape, (64, 32))
                self.assertTrue(array.flags.c_contiguous)
                self.assertEqual(array.tobytes(), self.data(*arguments))
                # The data is aligned for mapping.
                self.assertEqual((len(self.read("w.npy")) - array.nbytes) % 64, 0)

    def test_npy_of_any_rank(self):
        for shape in ["", "7", "0x3", "2x3x4", "1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x2"]:
            with self.subTest(shape):
                self.succeed("init", "--shape", shape, "-o", self.path("w.npy"))
                expected = tuple(int(size) for size in shape.split("x") if size)
                self.assertEqual(np.load(self.path("w.npy")).shape, expected)

    def test_safetensors_holds_one_tensor(self):
        for dtype, (_, name) in DTYPES.items():
            with self.subTest(dtype):
                arguments = [*MATRIX, "--dtype", dtype, "--name", 'fc"1.wéight']
                self.succeed("init", *arguments, "-o", self.path("w.safetensors"))
                file = self.read("w.safetensors")
                size = int.from_bytes(file[:8], "little")
                self.assertEqual(size % 8, 0)
                header = json.loads(file[8:8 + size])
                data = file[8 + size:]
                self.assertEqual(data, self.data(*arguments))
                metadata = header.pop("__metadata__")
                self.assertEqual(metadata["seed"], "42")
                self.assertEqual(metadata["scheme"], "he_normal")
                self.assertEqual(metadata["generator"], "philox4x32_v1")
                self.assertTrue(all(isinstance(v, str) for v in metadata.values()))
                self.assertEqual(header, {'fc"1.wéight': {
                    "dtype": name, "shape": [64, 32], "data_offsets": [0, len(data)]}})

    def test_safetensors_of_a_tensor_without_name(self):
        self.succeed("init", *MATRIX, "-o", self.path("w.safetensors"))
        file = self.read("w.safetensors")
        header = json.loads(file[8:8 + int.from_bytes(file[:8], "little")])
        self.assertEqual(set(header), {"tensor", "__metadata__"})

    def test_format_overrides_the_extension(self):
        self.succeed("init", *MATRIX, "-o", self.path("w.npy"), "--format", "bin")
        self.assertEqual(self.read("w.npy"), self.data(*MATRIX))
        npy = self.succeed("init", *MATRIX, "-o", "-", "--format", "npy").stdout
        self.succeed("init", *MATRIX, "-o", self.path("w2.npy"))
        self.assertEqual(npy, self.read("w2.npy"))

    def test_slice_is_the_slice_of_the_whole(self):
        self.succeed("init", *MATRIX, "-o", self.path("whole.npy"))
        whole = np.load(self.path("whole.npy"))
        for text, part in [("0:16,:", whole[0:16]), ("-3:,5:-5", whole[-3:, 5:-5]),
                           ("5:5,:", whole[5:5]), (":,31:", whole[:, 31:])]:
            with self.subTest(text):
                self.succeed("init", *MATRIX, "--slice", text, "-o", self.path("p.npy"))
                array = np.load(self.path("p.npy"))
                self.assertEqual(array.shape, part.shape)
                self.assertEqual(array.tobytes(), part.tobytes())

    def test_first_element_leaves_the_rest_as_a_vector(self):
        arguments = [*MATRIX, "--slice", "8:16,:"]
        whole = self.data(*arguments)
        for first in [1, 100, 255, 256]:
            with self.subTest(first):
                self.succeed("init", *arguments, "--first-element", str(first), "-o",
                             self.path("rest.npy"))
                array = np.load(self.path("rest.npy"))
                self.assertEqual(array.shape, (256 - first,))
                self.assertEqual(array.tobytes(), whole[4 * first:])

    def test_element_count_leaves_a_part_as_a_vector(self):
        arguments = [*MATRIX, "--slice", "8:16,:"]
        whole = self.data(*arguments)
        for first, count, shape in [(0, 100, (100,)), (100, 7, (7,)), (3, 0, (0,)), (0, 256, (8, 32))]:
            with self.subTest(first=first, count=count):
                self.succeed("init", *arguments, "--first-element", str(first), "--element-count",
                             str(count), "-o", self.path("part.npy"))
                array = np.load(self.path("part.npy"))
                self.assertEqual(array.shape, shape)
                self.assertEqual(array.tobytes(), whole[4 * first:4 * (first + count)])

    def test_json_tells_what_was_stored(self):
        path = self.path("w.bin")
        report = self.init(*MATRIX, "--name", "fc1", "--dtype", "f64", "--sha256", "-o", path)
        self.assertEqual(set(report), {
            "name", "shape", "slice", "slice_shape", "scheme", "role", "activation", "distribution",
            "fan_in", "fan_out", "gain", "mean", "stddev", "low", "high",
            "tensor_elements", "elements", "bytes", "operations", "zeros_per_column", "dtype", "layout", "seed_name",
            "seed", "generator", "crc32", "sha256", "seconds", "resumed", "measured", "output",
            "advisories"})
        data = self.read("w.bin")
        self.assertEqual(report["output"], path)
        self.assertEqual(report["bytes"], len(data))
        self.assertEqual(report["crc32"], zlib.crc32(data))
        self.assertEqual(report["sha256"], hashlib.sha256(data).hexdigest())
        self.assertGreater(report["seconds"], 0)
        self.assertEqual(report["stddev"], np.sqrt(2 / 32))
        self.assertEqual(report["advisories"], [])
        values = np.frombuffer(data, "<f8")
        self.assertEqual(report["measured"]["min"], values.min())
        self.assertEqual(report["measured"]["max"], values.max())
        self.assertAlmostEqual(report["measured"]["mean"], values.mean(), 14)
        self.assertAlmostEqual(report["measured"]["stddev"], values.std(), 14)

    def test_statistics_of_half_precision(self):
        report = self.init(*MATRIX, "--dtype", "float16")
        values = np.frombuffer(self.data(*MATRIX, "--dtype", "float16"), "<f2")
        values = values.astype(np.float64)
        self.assertEqual(report["measured"]["min"], values.min())
        self.assertEqual(report["measured"]["max"], values.max())
        self.assertAlmostEqual(report["measured"]["stddev"], values.std(), 14)

    def test_json_of_nothing_has_nulls(self):
        report = self.init("--shape", "0x4", "--scheme", "zeros")
        self.assertIsNone(report["measured"])
        self.assertIsNone(report["gain"])
        self.assertIsNone(report["output"])
        self.assertIsNone(report["sha256"])
        self.assertEqual(report["crc32"], 0)
        self.assertIsNone(self.init("--shape", "5")["fan_in"])

    def test_json_of_describe_has_no_results(self):
        arguments = ["--shape", "4x4", "--name", "w", "--scheme", "xavier_normal", "--activation", "relu"]
        described = json.loads(self.succeed("describe", "--json", *arguments).stdout)
        initialised = self.init(*arguments)
        for key in ["crc32", "sha256", "seconds", "resumed", "measured", "output"]:
            del initialised[key]
        self.assertEqual(described, initialised)
        self.assertEqual(described["advisories"][0]["code"], "xavier_with_relu")
        self.assertTrue(described["advisories"][0]["message"])

    def test_data_owns_standard_output(self):
        result = self.succeed("init", "--json", *MATRIX, "--sha256", "-o", "-")
        report = json.loads(result.stderr)
        self.assertEqual(report["sha256"], hashlib.sha256(result.stdout).hexdigest())
        self.assertEqual(report["output"], "-")

    def test_text_goes_to_standard_output_and_advice_to_standard_error(self):
        for command in ["init", "describe"]:
            result = self.succeed(command, *MATRIX, "--scheme", "xavier_normal")
            self.assertIn(b"xavier_normal for relu", result.stdout)
            self.assertTrue(result.stderr.startswith(b"advisory: "), result.stderr)
            self.assertNotIn(b"#", result.stdout)

    def test_histogram_is_for_terminals(self):
        terminal, side = pty.openpty()
        with open(terminal, "rb", closefd=True, buffering=0) as reader:
            result = run_cli("init", "--shape", "100x100", stdout=side)
            os.close(side)
            self.assertEqual(result.returncode, 0)
            text = reader.read(65536).decode()
        bars = [line for line in text.splitlines() if "|" in line]
        self.assertEqual(len(bars), 11)
        self.assertIn("#####", max(bars, key=len))

    def test_progress_of_a_big_tensor_shows_on_a_terminal(self):
        terminal, side = pty.openpty()
        with open(terminal, "rb", closefd=True, buffering=0) as reader, start_cli(
                "init", "--shape", "1000000000", "-o", "-", stderr=side) as process:
            os.close(side)
            # Takes the data until the bar is drawn.
            while process.stdout in (
                    ready := select.select([reader, process.stdout], [], [])[0]):
                if reader in ready:
                    break
                self.assertTrue(process.stdout.read1(1 << 20), "no bar till the end")
            bar = reader.read(4096).decode()
            process.send_signal(signal.SIGTERM)
        self.assertRegex(bar, r"^\r\[#* *\] +\d+%  \d+ MB  \d+ MB/s  \d+:\d\d left")

    def test_threads_and_ways_to_the_file_change_nothing(self):
        # 2.4 MB: several pieces.
        arguments = ["--shape", "601x1009", "--activation", "relu"]
        expected = self.data(*arguments)
        digest = hashlib.sha256(expected).hexdigest()
        measured = self.init(*arguments)["measured"]
        path = self.path("w.bin")
        with real_server() as server:
            for more in [["--threads", "1"], ["--threads", "5"], [], ["--server", server.address]]:
                for way in [["-o", path], ["-o", path, "--sha256"], []]:
                    with self.subTest(more=more, way=way):
                        report = self.init(*arguments, *more, *way)
                        self.assertEqual(report["crc32"], zlib.crc32(expected))
                        self.assertEqual(report["measured"], measured)
                        if "--sha256" in way:
                            self.assertEqual(report["sha256"], digest)
                        if way:
                            self.assertTrue(self.read("w.bin") == expected)
                self.assertTrue(self.data(*arguments, *more) == expected)

    def test_sha256_is_in_the_text_if_asked_for(self):
        digest = hashlib.sha256(self.data(*MATRIX)).hexdigest().encode()
        self.assertIn(b"sha256       " + digest, self.succeed("init", *MATRIX, "--sha256").stdout)
        self.assertNotIn(b"sha256", self.succeed("init", *MATRIX).stdout)

    def test_server_gives_the_bytes_of_this_process(self):
        with real_server() as server:
            for dtype in DTYPES:
                arguments = ["--shape", "300x500", "--dtype", dtype, "--name", "x"]
                self.assertEqual(self.data(*arguments, "--server", server.address),
                                 self.data(*arguments))
            for command in [["describe", *MATRIX], ["info"]]:
                remote = self.succeed(*command, "--json", "--server", server.address)
                remote = json.loads(remote.stdout)
                local = json.loads(self.succeed(*command, "--json").stdout)
                if command == ["info"]:
                    self.assertEqual(remote["limits"].pop("max_streams"), 256)
                    self.assertEqual(local["limits"].pop("max_streams"), 2**31 - 1)
                    self.assertEqual(remote["limits"].pop("max_operations"), 10**13)
                    self.assertEqual(local["limits"].pop("max_operations"), 2**63 - 1)
                self.assertEqual(remote, local)

    def test_info_lists_capabilities(self):
        info = json.loads(self.succeed("info", "--json").stdout)
        self.assertEqual(set(info["dtypes"]), set(DTYPES))
        self.assertEqual(len(info["schemes"]), 22)
        self.assertEqual(info["generators"], ["philox4x32_v1"])
        self.assertEqual(info["limits"]["max_rank"], 16)
        self.assertIn(b"he_normal", self.succeed("info").stdout)
        version = self.succeed("--version").stdout.decode()
        self.assertEqual(version, f"weightinit {info['version']}\n")

    def test_help_documents_the_exit_status(self):
        for arguments in [["--help"], ["init", "--help"], ["describe", "--help"]]:
            self.assertIn(b"Exit status: 0 success; 1", self.succeed(*arguments).stdout)

    def test_locale_does_not_matter(self):
        environment = {**os.environ, "LC_ALL": "de_DE.UTF-8"}
        arguments = ["describe", "--json", "--shape", "4", "--scheme", "normal",
                     "--stddev", "0.125"]
        result = subprocess.run([CLI, *arguments], env=environment, check=True,
                                capture_output=True)
        self.assertEqual(json.loads(result.stdout)["stddev"], 0.125)


if __name__ == "__main__":
    unittest.main()
