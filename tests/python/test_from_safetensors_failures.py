"""How `weightinit model from-safetensors` fails, and nothing is written."""

import json
import os
import struct
import unittest

from checkpoint_process import FromSafetensorsTestCase, checkpoint, preamble


class ErrorsTest(FromSafetensorsTestCase):

    def message_of(self, content, *arguments):
        """The error about a file; nothing is written."""
        file = self.write("bad.safetensors", content)
        before = sorted(os.listdir(self.directory))
        for output in ((), ("-o", self.path("x.yaml"))):
            message = self.fail_with(2, "model", "from-safetensors", file, *output, *arguments)
            self.assertTrue(message.startswith(f"weightinit: {file}: "), message)
            self.assertEqual(sorted(os.listdir(self.directory)), before)
        return message

    def test_dtypes_that_cannot_be_initialised(self):
        message = self.message_of(checkpoint({"a": ("F32", (2,)), "n": ("I64", ()), "q": ("F8_E4M3", (2, 2))}))
        self.assertIn('tensor "n": its dtype is I64; F64, F32, F16 and BF16 can be', message)
        self.assertIn('tensor "q": its dtype is F8_E4M3', message)
        self.assertIn("--skip PATTERN", message)
        self.assertNotIn('"a"', message)

    def test_many_errors_are_bounded(self):
        lines = self.message_of(checkpoint({f"n{i}": ("I64", ()) for i in range(30)})).splitlines()
        self.assertEqual((len(lines), lines[-2]), (18, "and 14 more"))

    def test_names_that_manifests_reserve(self):
        for name, words in (("a{i}", "has a brace"), ("}", "has a brace"), ("", "is empty"),
                            ("a" * 1025, "has 1025 bytes; at most 1024")):
            with self.subTest(name[:9]):
                self.assertIn(words, self.message_of(checkpoint({name: ("F32", (2,))})))
        self.assertIn('alias "{": its name has a brace',
                      self.message_of(checkpoint({"a": ("F32", (2,))}, {"{": "a"})))

    def test_more_dimensions_than_a_tensor_may_have(self):
        self.assertIn('tensor "a": it has 17 dimensions; at most 16',
                      self.message_of(checkpoint({"a": ("F32", (1,) * 17)})))

    def test_tensor_above_the_limit(self):
        message = self.message_of(checkpoint({"a": ("F32", (2**21, 2**21))}))
        self.assertIn('tensor "a": model.entries[0].tensor', message)

    def test_manifest_above_its_limit(self):
        content = checkpoint({"a" * 200 + str(i): ("F32", (1,)) for i in range(20000)})
        self.assertIn("at most 4194304 are allowed", self.message_of(content))

    def test_files_that_are_no_safetensors(self):
        good = checkpoint({"a": ("F32", (2,))})
        for content, words in (
            (b"", "less than 8 bytes"),
            (good[:7], "less than 8 bytes"),
            (good[:-1], "its header ends at byte"),
            (struct.pack("<Q", 100_000_001) + b" " * 100, "at most 100000000 are allowed"),
            (struct.pack("<Q", 2**64 - 1) + b"{}", "at most 100000000 are allowed"),
            (struct.pack("<Q", 50), "its header ends at byte 58, the file at 8"),
            (preamble(""), "is not JSON"),
            (preamble("{"), "is not JSON: it goes wrong at its byte 2"),
            (preamble("{} x"), "is not JSON"),
            (preamble(b'{"\xff": 1}'), "is not JSON"),
            (preamble('{"a\nb": {}}'), "is not JSON"),
            (preamble("[" * 100000), "the header is no object"),
            (preamble("[]"), "the header is no object"),
            (preamble("1"), "the header is no object"),
            (preamble("{}"), "has no tensors"),
            (preamble('{"__metadata__": {}}'), "has no tensors"),
            (b"not a checkpoint at all, by any means", "at most 100000000 are allowed"),
        ):
            with self.subTest(content[:40]):
                self.assertIn(words, self.message_of(content))

    def test_headers_that_are_wrong(self):
        numbers = "is no list of whole numbers from 0 to 2^63 - 1"
        for tensor, words in (
            ("[]", 'tensor "a" is no object'),
            ("null", 'tensor "a" is no object'),
            ("{}", 'tensor "a": dtype is missing'),
            ('{"dtype": "F32", "shape": []}', 'tensor "a": data_offsets is missing'),
            ('{"dtype": 1, "shape": [], "data_offsets": [0, 4]}', 'tensor "a": dtype is no text'),
            ('{"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}', f'tensor "a": shape {numbers}'),
            ('{"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}', f'tensor "a": shape {numbers}'),
            ('{"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}', f'tensor "a": shape {numbers}'),
            ('{"dtype": "F32", "shape": [[1]], "data_offsets": [0, 4]}', f'tensor "a": shape {numbers}'),
            ('{"dtype": "F32", "shape": ["1"], "data_offsets": [0, 4]}', f'tensor "a": shape {numbers}'),
            ('{"dtype": "F32", "shape": [9223372036854775808], "data_offsets": [0, 4]}',
             f'tensor "a": shape {numbers}'),
            ('{"dtype": "F32", "shape": [], "data_offsets": [0]}', "data_offsets are not two numbers"),
            ('{"dtype": "F32", "shape": [], "data_offsets": [4, 0]}', "data_offsets are not two numbers"),
            ('{"dtype": "F32", "shape": [], "data_offsets": [0, 4], "x": 1}', 'tensor "a": x is no field'),
            ('{"dtype": "F32", "dtype": "F32", "shape": [], "data_offsets": [0, 4]}',
             'tensor "a": dtype is there twice'),
        ):
            with self.subTest(tensor):
                self.assertIn(words, self.message_of(preamble('{"a": ' + tensor + "}")))

    def test_offsets_that_are_wrong(self):
        for tensors, words in (
            ({"a": [0, 8], "b": [4, 12]}, 'tensor "b": data_offsets begin at 4; the data before it end at 8'),
            ({"a": [0, 8], "b": [12, 20]}, 'tensor "b": data_offsets begin at 12; the data before it end at 8'),
            ({"a": [4, 12]}, 'tensor "a": data_offsets begin at 4; the data before it end at 0'),
            ({"a": [0, 8], "b": [0, 8]}, 'tensor "b": data_offsets begin at 0'),
            ({"a": [0, 9]}, 'tensor "a": data_offsets hold 9 bytes'),
            ({"a": [0, 0]}, 'tensor "a": data_offsets hold 0 bytes'),
        ):
            with self.subTest(tensors):
                header = {name: {"dtype": "F32", "shape": [2], "data_offsets": offsets}
                          for name, offsets in tensors.items()}
                self.assertIn(words, self.message_of(preamble(json.dumps(header))))

    def test_shape_whose_bytes_overflow(self):
        for shape in ([2**62, 4], [2**40, 2**40]):
            header = {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}}
            self.assertIn("data_offsets hold 0 bytes", self.message_of(preamble(json.dumps(header))))

    def test_bytes_behind_the_data(self):
        content = checkpoint({"a": ("F32", (2,))})
        self.manifest_of(content + b"12345678")
        self.assertIn("1 bytes stand behind the data", self.message_of(content + b"123456789"))

    def test_names_that_are_there_twice(self):
        tensor = '{"dtype": "F32", "shape": [], "data_offsets": [0, 4]}'
        self.assertIn('tensor "a" is there twice', self.message_of(preamble(f'{{"a": {tensor}, "a": {tensor}}}')))
        self.assertIn("__metadata__ is there twice", self.message_of(preamble('{"__metadata__":{},"__metadata__":{}}')))
        self.assertIn('__metadata__: "x" is there twice',
                      self.message_of(preamble('{"__metadata__": {"x": "1", "x": "2"}}')))

    def test_metadata_that_is_no_text(self):
        self.assertIn('__metadata__: "x" is no text', self.message_of(preamble('{"__metadata__": {"x": 1}}')))
        self.assertIn("__metadata__ is no object", self.message_of(preamble('{"__metadata__": 1}')))

    def test_names_are_escaped_in_messages(self):
        self.assertIn(r'tensor "\x1b[31m": its dtype', self.message_of(checkpoint({"\x1b[31m": ("I64", ())})))

    def test_files_that_cannot_be_read(self):
        self.assertIn("No such file", self.fail_with(1, "model", "from-safetensors", self.path("none.safetensors")))
        os.mkfifo(self.path("fifo.safetensors"))
        message = self.fail_with(2, "model", "from-safetensors", self.path("fifo.safetensors"))
        self.assertIn("is no regular file", message)

    def test_options_that_are_wrong(self):
        file = self.write("x.safetensors", checkpoint({"a": ("F32", (2,))}))
        for arguments, words in (
            ((), "FILE is required"),
            ((file, "--activation", "relo"), '--activation: "relo" is not one of linear, '),
            ((file, "--layout", "x"), '--layout: "x" is not one of out_in, in_out'),
        ):
            with self.subTest(arguments):
                self.assertIn(words, self.fail_with(2, "model", "from-safetensors", *arguments))

    def test_output_that_cannot_be_written(self):
        file = self.write("x.safetensors", checkpoint({"a": ("F32", (2,))}))
        self.fail_with(1, "model", "from-safetensors", file, "-o", self.path("none/x.yaml"))


if __name__ == "__main__":
    unittest.main()
