"""The files of `weightinit model init`: each format, directories of several files, read by readers of our own."""

import io
import json
import os
import random
import struct
import unittest
import zipfile

import numpy as np

from cli_process import real_server
from model_process import (
    BYTES, DTYPES, ENTRIES, FILE_ORDER, MODEL, TENSORS, ModelTestCase, read_safetensors, tensors_of)

NUMPY = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": "|V2"}
INDEX = "model.safetensors.index.json"


def npz_tensors(content):
    """The bytes of each tensor of a .npz file, by Python's own zipfile; CRC-32s are checked on the way."""
    tensors = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.namelist():
            data = archive.read(entry)
            (length,) = struct.unpack_from("<H", data, 8)
            assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
            tensors[entry.removesuffix(".npy")] = data[10 + length :]
    return tensors


def raw_tensors(content, plan):
    """The same of a raw file."""
    return {tensor["name"]: content[tensor["byte_offset"] : tensor["byte_offset"] + tensor["bytes"]]
            for tensor in plan["tensors"] if "alias_of" not in tensor}


class FilesTestCase(ModelTestCase):

    def store(self, name, *arguments, manifest=None):
        """What init writes as NAME: a file, or {name: content} of a directory."""
        self.succeed("model", "init", manifest or self.manifest, "-o", self.path(name), *arguments)
        if not os.path.isdir(self.path(name)):
            return self.read(name)
        return {file: self.read(os.path.join(name, file)) for file in os.listdir(self.path(name))}

    def directory_tensors(self, files):
        """The bytes of each tensor of a directory, found through its index; no file is left over."""
        if INDEX not in files:
            self.assertEqual(list(files), ["model.safetensors"])
            return tensors_of(files["model.safetensors"])
        weight_map = json.loads(files[INDEX])["weight_map"]
        self.assertEqual(set(files), {INDEX, *weight_map.values()})
        contents = {name: tensors_of(content) for name, content in files.items() if name != INDEX}
        self.assertEqual(sum(map(len, contents.values())), len(weight_map))
        return {name: contents[file][name] for name, file in weight_map.items()}


class NpzTest(FilesTestCase):

    def test_numpy_reads_the_tensors(self):
        expected = tensors_of(self.init())
        self.store("x.npz")
        with np.load(self.path("x.npz"), allow_pickle=False) as arrays:
            self.assertEqual(arrays.files, FILE_ORDER)
            for name, (shape, dtype, _, _) in TENSORS.items():
                array = arrays[name]
                self.assertEqual((list(array.shape), array.dtype), (shape, np.dtype(NUMPY[dtype])), name)
                self.assertEqual(array.tobytes(), expected[name], name)

    def test_bfloat16_is_two_opaque_bytes(self):
        manifest = self.write("bf16.json", json.dumps({"version": 1, "entries": [
            {"name": "w", "tensor": {"shape": [3, 5], "dtype": "bfloat16"}}]}))
        self.store("x.npz", manifest=manifest)
        array = np.load(self.path("x.npz"))["w"]
        self.assertEqual((array.dtype, array.shape), (np.dtype("V2"), (3, 5)))
        self.assertEqual(array.tobytes(), tensors_of(self.init(manifest=manifest))["w"])

    def test_scalars_and_tensors_without_elements(self):
        manifest = self.write("odd.json", json.dumps({"version": 1, "entries": [
            {"name": "none", "tensor": {"shape": [0, 4]}}, {"name": "a/ü", "tensor": {"scheme": "ones"}}]}))
        self.store("x.npz", manifest=manifest)
        with np.load(self.path("x.npz")) as arrays:
            self.assertEqual(arrays["none"].shape, (0, 4))
            self.assertEqual((arrays["a/ü"].shape, arrays["a/ü"][()]), ((), 1))

    def test_entries_are_stored_and_have_no_time(self):
        content = self.store("x.npz")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            self.assertIsNone(archive.testzip())
            for entry in archive.infolist():
                self.assertEqual(entry.compress_type, zipfile.ZIP_STORED)
                self.assertEqual(entry.date_time, (1980, 1, 1, 0, 0, 0))
                self.assertEqual(entry.external_attr >> 16, 0o100644)

    def test_comment_says_what_it_is(self):
        with zipfile.ZipFile(io.BytesIO(self.store("x.npz", "--seed", "7"))) as archive:
            self.assertEqual(json.loads(archive.comment), {
                "weightinit.fingerprint": self.json_of("plan", self.manifest, "--seed", "7")["fingerprint"],
                "weightinit.generator": "philox4x32_v1", "weightinit.seed": "7"})

    def test_names_that_it_cannot_hold(self):
        for names, words in ((["a\0b"], "byte 0"), (["a", "a.npy"], 'tensor "a.npy": a .npz file cannot hold it')):
            with self.subTest(names):
                manifest = self.write("names.json", json.dumps({"version": 1, "entries": [
                    {"name": name, "tensor": {"shape": [2]}} for name in names]}))
                self.assertIn(words, self.fail_with(2, "model", "init", manifest, "-o", self.path("x.npz")))
                self.assertFalse(os.path.exists(self.path("x.npz")))


class RawTest(FilesTestCase):

    def test_tensors_are_at_the_offsets_of_the_plan(self):
        content = self.store("x.bin")
        plan = self.json_of("plan", self.manifest)
        self.assertEqual(len(content), plan["bytes"])
        self.assertEqual(raw_tensors(content, plan), tensors_of(self.init()))

    def test_selection_is_at_the_offsets_of_its_plan(self):
        only = ("--only", "norm.*", "--only", "qk")
        content = self.store("x.bin", *only)
        self.assertEqual(raw_tensors(content, self.json_of("plan", self.manifest, *only)),
                         tensors_of(self.init(*only)))


class DirectoryTest(FilesTestCase):

    def test_what_fits_in_one_file_is_in_one(self):
        self.assertEqual(self.store("new"), {"model.safetensors": self.init()})
        total = sum(BYTES.values())
        self.assertEqual(self.store("limit/", "--max-file-bytes", str(total)), {"model.safetensors": self.init()})
        self.assertIn(INDEX, self.store("below/", "--max-file-bytes", str(total - 1)))

    def test_files_are_cut_in_the_order_of_the_single_file(self):
        files = self.store("x/", "--max-file-bytes", "4100")
        # wide and fc1.bias have 4120 bytes together; fc1.weight more than a file should.
        shares = [["wide"], ["fc1.bias"], ["fc1.weight"], FILE_ORDER[3:]]
        names = [f"model-0000{number}-of-00004.safetensors" for number in range(1, 5)]
        self.assertEqual(sorted(files), [*names, INDEX])
        for name, share in zip(names, shares):
            header, data = read_safetensors(files[name])
            header.pop("__metadata__")
            self.assertEqual(list(header), share)
            self.assertEqual(len(data), sum(BYTES[tensor] for tensor in share))
        weight_map = {tensor: name for name, share in zip(names, shares) for tensor in share}
        # As transformers writes it.
        self.assertEqual(files[INDEX].decode(), json.dumps(
            {"metadata": {"total_size": sum(BYTES.values())}, "weight_map": weight_map},
            indent=2, sort_keys=True) + "\n")

    def test_each_file_says_what_it_is_and_aliases_are_beside_their_tensor(self):
        files = self.store("x/", "--max-file-bytes", "4100")
        single = read_safetensors(self.init())[0]["__metadata__"]
        self.assertEqual(single.pop("tied"), "fc1.weight")
        files.pop(INDEX)
        for content in files.values():
            header, _ = read_safetensors(content)
            metadata = header["__metadata__"]
            self.assertEqual(metadata.pop("tied", None), "fc1.weight" if "fc1.weight" in header else None)
            self.assertEqual(metadata, single)

    def test_report_names_the_files(self):
        output = self.path("x/")
        report = self.json_of("init", self.manifest, "-o", output, "--max-file-bytes", "1300000")
        self.assertEqual(report["files"], ["model.safetensors"])
        self.assertEqual(report["file_bytes"], os.path.getsize(output + "model.safetensors"))
        text = self.succeed("model", "init", self.manifest, "-o", self.path("y"), "--max-file-bytes", "4100").stdout
        total = sum(entry.stat().st_size for entry in os.scandir(self.path("y")))
        self.assertIn(f"output       {self.path('y')}, 5 files, {total} bytes in ", text.decode())

    def test_empty_directory_is_filled_and_keeps_its_mode(self):
        os.mkdir(self.path("x-1.5"))
        os.chmod(self.path("x-1.5"), 0o750)
        os.symlink("x-1.5", self.path("link"))
        self.assertEqual(self.store("link"), {"model.safetensors": self.init()})
        self.assertEqual(os.listdir(self.path("x-1.5")), ["model.safetensors"])
        self.assertEqual(os.stat(self.path("x-1.5")).st_mode & 0o7777, 0o750)
        self.assertEqual(sorted(os.listdir(self.directory)), ["link", "model.json", "x-1.5"])


class EqualFilesTest(FilesTestCase):
    """Random models: every format holds what `weightinit init` makes of each tensor, whoever computes it."""

    def random_model(self, rng):
        entries = []
        for number in range(rng.randint(1, 12)):
            shape = [rng.randint(0 if rng.random() < 0.1 else 1, 40) for _ in range(rng.randint(0, 3))]
            tensor = {"shape": shape, "dtype": rng.choice(list(DTYPES)),
                      "fan": {"layout": rng.choice(["out_in", "in_out"])},
                      "scheme": rng.choice(["normal", "uniform", "truncated_normal", "ones"])}
            entries.append({"name": f"{rng.choice('abc')}.{rng.randint(0, 9)}.{number}", "tensor": tensor})
        return entries

    def write_model(self, name, entries):
        return self.write(name, json.dumps({"version": 1, "entries": entries}))

    def singles(self, entries, seed):
        tensors = {}
        for entry in entries:
            tensor = entry["tensor"]
            tensors[entry["name"]] = self.succeed(
                "init", "--name", entry["name"], "--shape", "x".join(map(str, tensor["shape"])), "--seed", seed,
                "--dtype", tensor["dtype"], "--scheme", tensor["scheme"], "--layout", tensor["fan"]["layout"],
                "-o", "-").stdout
        return tensors

    def test_files_of_random_models_hold_the_tensors(self):
        rng = random.Random(10)
        for number in range(8):
            entries = self.random_model(rng)
            seed = str(rng.getrandbits(64))
            limit = str(rng.choice([1, 200, 2000, 20000]))
            with self.subTest(number):
                manifest = self.write_model("random.json", entries)
                expected = self.singles(entries, seed)
                arguments = ("--seed", seed)
                self.assertEqual(tensors_of(self.store("x.safetensors", *arguments, manifest=manifest)), expected)
                self.assertEqual(npz_tensors(self.store("x.npz", *arguments, manifest=manifest)), expected)
                with np.load(self.path("x.npz")) as arrays:
                    self.assertEqual({name: arrays[name].tobytes() for name in arrays.files}, expected)
                plan = self.json_of("plan", manifest, *arguments)
                self.assertEqual(raw_tensors(self.store("x.bin", *arguments, manifest=manifest), plan), expected)
                files = self.store(f"{number}/", *arguments, "--max-file-bytes", limit, manifest=manifest)
                self.assertEqual(self.directory_tensors(files), expected)

    def test_bytes_do_not_depend_on_threads_order_or_server(self):
        reverse = self.write("reverse.json", json.dumps({**MODEL, "entries": ENTRIES[::-1]}))
        for name, arguments in (("a.npz", ()), ("a.bin", ()), ("a/", ("--max-file-bytes", "4100"))):
            with self.subTest(name), real_server() as server:
                expected = self.store(name, *arguments)
                variants = [("1", ("--threads", "1"), self.manifest), ("3", ("--threads", "3"), self.manifest),
                            ("server", ("--server", server.address), self.manifest)]
                if name != "a.bin":
                    variants.append(("reverse", (), reverse))
                for variant, more, manifest in variants:
                    stored = self.store(variant + name, *arguments, *more, manifest=manifest)
                    self.assertEqual(stored, expected, variant)


class PartMetadataTest(FilesTestCase):

    @staticmethod
    def parts_of(content):
        metadata = read_safetensors(content)[0]["__metadata__"]
        key = "weightinit.tensor."
        return {name.removeprefix(key): json.loads(text) for name, text in metadata.items() if name.startswith(key)}

    def test_selection_says_each_tensor(self):
        parts = self.parts_of(self.init("--only", "fc1.*", "--only", "qk", "--only", "wide"))
        self.assertEqual(list(parts), ["fc1.bias", "fc1.weight", "qk", "wide"])
        self.assertEqual(parts["fc1.bias"], {
            "name": "fc1.bias", "shape": [1000], "layout": "out_in", "scheme": "constant", "distribution": "constant",
            "mean": 0.5})
        self.assertEqual(parts["wide"], {
            "name": "wide", "shape": [3, 5], "layout": "out_in", "scheme": "uniform", "distribution": "uniform",
            "low": -1.0, "high": 3.0})
        self.assertEqual(parts["fc1.weight"], {
            "name": "fc1.weight", "shape": [1000, 300], "layout": "out_in", "scheme": "he_normal",
            "distribution": "normal", "mean": 0.0, "stddev": (2 / 300) ** 0.5})
        qk = parts["qk"]
        self.assertEqual((qk["shape"], qk["axis"], qk["stacked"]), ([6, 4], 0, False))
        self.assertEqual([(part["name"], part["shape"], part["scheme"]) for part in qk["parts"]],
                         [("q", [2, 4], "he_normal"), ("k", [4, 4], "he_uniform")])

    def test_whole_model_says_none(self):
        self.assertEqual(self.parts_of(self.init()), {})
        self.assertEqual(self.init("--only", "*"), self.init())

    def test_files_of_a_directory_say_their_own_tensors(self):
        files = self.store("x/", "--only", "fc1.*", "--max-file-bytes", "4100")
        self.assertEqual([list(self.parts_of(files[name])) for name in sorted(files) if name != INDEX],
                         [["fc1.bias"], ["fc1.weight"]])

    def test_shard_says_which_part_of_each_tensor(self):
        parts = self.parts_of(self.init("--only", "fc1.*", "--only", "qk", "--shard", "1/4", "--slice", "qk=1:5,0:3"))
        self.assertEqual({name: (part["shape"], part["slice"]) for name, part in parts.items()}, {
            "fc1.bias": ([1000], [[250, 500]]),
            "fc1.weight": ([1000, 300], [[250, 500], [0, 300]]),
            "qk": ([6, 4], [[1, 5], [0, 3]])})
        self.assertEqual([(part["name"], part["shape"]) for part in parts["qk"]["parts"]], [("q", [2, 4]), ("k", [4, 4])])

    def test_slice_of_one_tensor_says_which(self):
        arguments = ("init", "--shape", "16x8", "--layout", "in_out",
                     "--scheme", "truncated_normal", "--stddev", "0.02")
        for name, key in (("w", "w"), ("", "tensor")):
            self.succeed(*arguments, "--name", name, "--slice", "4:12,:", "-o", self.path("w.safetensors"))
            self.assertEqual(self.parts_of(self.read("w.safetensors")), {key: {
                "name": name, "shape": [16, 8], "slice": [[4, 12], [0, 8]], "layout": "in_out",
                "scheme": "truncated_normal", "distribution": "truncated_normal", "mean": 0.0, "stddev": 0.02,
                "low": -2.0, "high": 2.0}})
        for whole in ((), ("--slice", ":,0:8")):
            self.succeed(*arguments, *whole, "-o", self.path("w.safetensors"))
            self.assertEqual(self.parts_of(self.read("w.safetensors")), {})


if __name__ == "__main__":
    unittest.main()
