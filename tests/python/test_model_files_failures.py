"""Files of models that are not what they should be, and directories that cannot be made."""

import io
import json
import os
import pty
import resource
import signal
import struct
import unittest
import zipfile

from cli_process import PATIENCE, real_server, start_cli
from model_process import ModelTestCase, read_safetensors

INDEX = "model.safetensors.index.json"
LIMIT = ("--max-file-bytes", "4100")


def safetensors(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class VerifyTestCase(ModelTestCase):

    def setUp(self):
        super().setUp()
        for name, arguments in (("x.safetensors", ()), ("x.npz", ()), ("x.bin", ()), ("x", LIMIT)):
            self.succeed("model", "init", self.manifest, "-o", self.path(name), *arguments)

    def verify_fails(self, name, *arguments, status=4):
        return self.fail_with(status, "model", "verify", self.path(name), self.manifest, *arguments)

    def flip(self, name, place):
        content = bytearray(self.read(name))
        content[place] ^= 1
        self.write(name, bytes(content))


class VerifyTest(VerifyTestCase):

    def test_equal_files_of_each_format(self):
        self.succeed("model", "init", self.manifest, "-o", self.path("one/"))
        for name in ("x.safetensors", "x.npz", "x.bin", "x", "x/", "one"):
            for arguments in ((), ("--threads", "3")):
                result = self.succeed("model", "verify", self.path(name), self.manifest, *arguments)
                self.assertEqual(result.stdout.decode(),
                                 f"{self.path(name)}: 9 tensors, 1204338 bytes, equal\n")
        with real_server() as server:
            for name in ("x.npz", "x"):
                self.succeed("model", "verify", self.path(name), self.manifest, "--server", server.address)

    def test_flipped_bit_names_tensor_and_element(self):
        with zipfile.ZipFile(self.path("x.npz")) as archive:
            # Behind the entry's header, its name and the .npy header of 128 bytes.
            in_npz = archive.getinfo("half.npy").header_offset + 30 + len("half.npy") + 128 + 2 * 20
        plan = self.json_of("plan", self.manifest, "--only", "fc1.*", "--only", "norm.*", "--only", "half")
        (in_raw,) = (tensor["byte_offset"] + 2 * 20 for tensor in plan["tensors"] if tensor["name"] == "half")
        shard = "x/model-00004-of-00004.safetensors"
        header, data = read_safetensors(self.read(shard))
        in_shard = len(self.read(shard)) - len(data) + header["half"]["data_offsets"][0] + 2 * 20
        for file, name, place in (("x.npz", "x.npz", in_npz), ("x.bin", "x.bin", in_raw),
                                  (shard, "x", in_shard)):
            with self.subTest(name):
                self.flip(file, place)
                self.assertIn(f'{self.path(file)} differs: tensor "half" from element 20 on', self.verify_fails(name))

    def test_another_seed(self):
        for name, words in (("x.npz", 'weightinit.seed":"0"'), ("x", "weightinit.seed"),
                            ("x.bin", 'tensor "fc1.weight" from element 0 on')):
            self.assertIn(words, self.verify_fails(name, "--seed", "1"))

    def test_file_of_another_size(self):
        for name in ("x.npz", "x.bin", "x/model-00002-of-00004.safetensors"):
            content = self.read(name)
            for other in (content[:-1], content[:30], b"", content + b"\0"):
                with self.subTest(name, size=len(other)):
                    self.write(name, other)
                    message = self.verify_fails(name.split("/")[0])
                    self.assertIn(f"{self.path(name)} differs: it has {len(other)} bytes, "
                                  f"the model's file has {len(content)}", message)
            self.write(name, content)

    def test_unknown_extension(self):
        for name in ("x.pt", "x.npy"):
            self.assertIn(f'FILE: "{self.path(name)}" does not end in', self.verify_fails(name, status=2))

    def test_files_that_are_not_there(self):
        os.mkdir(self.path("empty"))
        for name in ("none.npz", "none.bin", "none/"):
            self.assertRegex(self.verify_fails(name, status=1), "No such file|neither")
        self.assertIn("has neither model.safetensors nor " + INDEX, self.verify_fails("empty", status=1))


class VerifyHeaderTest(VerifyTestCase):
    """What is wrong in a list of tensors is named."""

    def change_safetensors(self, change):
        header, data = read_safetensors(self.read("x.safetensors"))
        change(header)
        self.write("changed.safetensors", safetensors(header, data))
        return self.verify_fails("changed.safetensors")

    def test_missing_tensor(self):
        self.assertIn('differs: its header has no tensor "fc1.bias"',
                      self.change_safetensors(lambda header: header.pop("fc1.bias")))

    def test_extra_tensor(self):
        self.assertIn('its header has tensor "more", which the model does not have', self.change_safetensors(
            lambda header: header.update(more={"dtype": "F32", "shape": [], "data_offsets": [0, 4]})))

    def test_unsupported_dtype(self):
        self.assertIn('its header has tensor "qk" as {"dtype":"I64","shape":[6,4]}, the model has it as '
                      '{"dtype":"F32","shape":[6,4]}',
                      self.change_safetensors(lambda header: header["qk"].update(dtype="I64")))

    def test_another_shape(self):
        self.assertIn('its header has tensor "qk" as {"dtype":"F32","shape":[24]}',
                      self.change_safetensors(lambda header: header["qk"].update(shape=[24])))

    def test_other_places(self):
        def exchange(header):
            header["norm.bias"]["data_offsets"], header["norm.weight"]["data_offsets"] = (
                header["norm.weight"]["data_offsets"], header["norm.bias"]["data_offsets"])
        self.assertIn('its header has data of tensor "norm.bias" as [', self.change_safetensors(exchange))

    def test_other_metadata(self):
        for change, words in (
            (lambda metadata: metadata.pop("format"), 'its header has no metadata "format"'),
            (lambda metadata: metadata.update({"weightinit.fingerprint": "00"}), 'its header has the fingerprint "00"'),
        ):
            with self.subTest(words):
                self.assertIn(words, self.change_safetensors(lambda header, c=change: c(header["__metadata__"])))

    def test_header_that_is_none(self):
        for content in (struct.pack("<Q", 2**63) + b"{}", struct.pack("<Q", 4) + b"[1,2", b"\xff" * 100):
            self.write("x.safetensors", content)
            self.assertIn(f"it has {len(content)} bytes", self.verify_fails("x.safetensors"))

    def change_npz(self, change):
        with zipfile.ZipFile(self.path("x.npz")) as archive:
            entries = {entry: archive.read(entry) for entry in archive.namelist()}
            comment = archive.comment
        change(entries)
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.comment = comment
            for entry, content in entries.items():
                archive.writestr(entry, content)
        self.write("x.npz", file.getvalue())
        return self.verify_fails("x.npz")

    def test_missing_array(self):
        self.assertIn('differs: has no tensor "fc1.bias"',
                      self.change_npz(lambda entries: entries.pop("fc1.bias.npy")))

    def test_extra_array(self):
        self.assertIn('has tensor "more", which the model does not have', self.change_npz(
            lambda entries: entries.update({"more.npy": entries["qk.npy"]})))

    def test_array_of_an_unsupported_dtype(self):
        # Of the same size, so that nothing else is wrong.
        content = self.read("x.npz")
        place = content.index(b"qk.npy")
        self.write("x.npz", content[:place] + content[place:].replace(b"'<f4'", b"'<i4'", 1))
        message = self.verify_fails("x.npz")
        self.assertIn("has tensor \"qk\" as {'descr': '<i4', 'fortran_order': False, 'shape': (6, 4), }, the model has", message)

    def test_array_of_another_shape(self):
        def reshape(entries):
            entries["qk.npy"] = entries["qk.npy"].replace(b"(6, 4), }", b"(24,), } ")
        self.assertIn("(24,)", self.change_npz(reshape))

    def test_compressed_archive(self):
        with zipfile.ZipFile(self.path("x.npz")) as archive:
            entries = {entry: archive.read(entry) for entry in archive.namelist()}
        with zipfile.ZipFile(self.path("x.npz"), "w", zipfile.ZIP_DEFLATED) as archive:
            for entry, content in entries.items():
                archive.writestr(entry, content)
        self.assertIn('has tensor "fc1.bias" as compressed, the model has it as {', self.verify_fails("x.npz"))

    def test_wrong_crc_of_an_entry(self):
        with zipfile.ZipFile(self.path("x.npz")) as archive:
            place = archive.getinfo("half.npy").header_offset + 14
        self.flip("x.npz", place)
        self.assertIn('the header of tensor "half" is another', self.verify_fails("x.npz"))

    def test_another_comment(self):
        self.flip("x.npz", len(self.read("x.npz")) - 3)
        self.assertIn("has the comment ", self.verify_fails("x.npz"))


class VerifyIndexTest(VerifyTestCase):

    def change(self, change):
        index = json.loads(self.read(os.path.join("x", INDEX)))
        change(index)
        self.write(os.path.join("x", INDEX), json.dumps(index, indent=2, sort_keys=True) + "\n")
        return self.verify_fails("x")

    def test_tensor_that_is_not_in_the_index(self):
        self.assertIn('has no tensor "qk"', self.change(lambda index: index["weight_map"].pop("qk")))

    def test_tensor_that_the_model_does_not_have(self):
        self.assertIn('has tensor "more", which the model does not have', self.change(
            lambda index: index["weight_map"].update(more="model-00001-of-00004.safetensors")))

    def test_tensor_in_another_file(self):
        message = self.change(lambda index: index["weight_map"].update(qk="model-00001-of-00004.safetensors"))
        self.assertIn('model-00001-of-00004.safetensors differs: its header has no tensor "qk"', message)

    def test_file_that_is_missing(self):
        os.remove(self.path("x/model-00002-of-00004.safetensors"))
        self.assertIn(f"{self.path('x/model-00002-of-00004.safetensors')} is missing", self.verify_fails("x"))

    def test_wrong_total(self):
        self.assertIn(INDEX + " differs", self.change(lambda index: index["metadata"].update(total_size=1204339)))

    def test_file_outside_of_the_directory(self):
        for name in ("../x.safetensors", "/x", "", ".", 5):
            self.assertIn('the file of tensor "qk" is not the name of one in the directory', self.change(
                lambda index, name=name: index["weight_map"].update(qk=name)))

    def test_index_that_is_none(self):
        for content in (b"", b"[]", b"{", b'{"metadata": {}}', b'{"weight_map": []}'):
            self.write(os.path.join("x", INDEX), content)
            self.assertIn("is no index", self.verify_fails("x"))

    def test_other_share_of_the_files_is_as_good(self):
        self.succeed("model", "init", self.manifest, "-o", self.path("y"), "--max-file-bytes", "1202000")
        self.succeed("model", "verify", self.path("y"), self.manifest)


class DirectoryFailuresTest(ModelTestCase):

    def fail(self, status, output, *arguments, **options):
        before = sorted(os.listdir(self.directory))
        message = self.fail_with(status, "model", "init", options.pop("manifest", self.manifest), "-o",
                                 self.path(output), *arguments, **options)
        self.assertEqual(sorted(os.listdir(self.directory)), before)
        return message

    def test_directory_that_is_not_empty(self):
        os.mkdir(self.path("full"))
        self.write("full/.hidden", "")
        self.assertIn(f'--output: "{self.path("full")}" is not empty', self.fail(2, "full"))
        self.assertEqual(os.listdir(self.path("full")), [".hidden"])

    def test_file_in_its_place(self):
        self.write("file", "of before")
        self.assertIn("is not a directory", self.fail(2, "file"))
        self.assertEqual(self.read("file"), b"of before")

    def test_directory_around_it_that_is_not_there(self):
        self.assertIn("No such file", self.fail(1, "none/x"))

    def test_link_that_leads_nowhere(self):
        os.symlink("nowhere", self.path("link"))
        self.assertIn("No such file", self.fail(1, "link"))

    def test_bad_sizes_of_files(self):
        for size in ("0", "-1", "1.5", "5GB", "", "9223372036854775808"):
            self.assertIn(f'--max-file-bytes: "{size}" is not an integer from 1',
                          self.fail(2, "x", "--max-file-bytes", size))
        for name in ("x.safetensors", "x.npz", "x.bin"):
            self.assertIn("is one file", self.fail(2, name, *LIMIT))

    def test_more_files_than_may_be_open(self):
        self.assertIn("--max-file-bytes: makes 10 files, more than this process may have open", self.fail(
            2, "x", "--max-file-bytes", "1", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))))

    def test_disk_that_is_full(self):
        for name, arguments in (("x", LIMIT), ("x.npz", ()), ("x.bin", ())):
            self.fail(1, name, *arguments,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000)))

    def test_timeout_leaves_nothing(self):
        huge = self.write("huge.json", json.dumps({"version": 1, "entries": [
            {"name": "w", "tensor": {"shape": [10**5, 10**4]}}]}))
        for name in ("x", "x.npz", "x.bin"):
            self.fail(3, name, "--threads", "1", "--timeout", "0.01", manifest=huge)

    def test_signal_leaves_nothing(self):
        huge = self.write("huge.json", json.dumps({"version": 1, "entries": [
            {"name": f"w{number}", "tensor": {"shape": [10**5, 10**4]}} for number in range(3)]}))
        for number, name in ((signal.SIGINT, "x"), (signal.SIGTERM, "x"), (signal.SIGTERM, "x.npz")):
            with self.subTest(number=number, name=name):
                ours, theirs = pty.openpty()
                with start_cli("model", "init", huge, "-o", self.path(name), "--threads", "1",
                               stderr=theirs) as process, open(ours, "rb", buffering=0) as terminal:
                    os.close(theirs)
                    # The bar of its progress: it computes.
                    self.assertTrue(terminal.read(1))
                    process.send_signal(number)
                    self.assertEqual(process.wait(PATIENCE), 128 + number)
                self.assertEqual(sorted(os.listdir(self.directory)), ["huge.json", "model.json"])


if __name__ == "__main__":
    unittest.main()
