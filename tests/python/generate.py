"""Runs weightinit-generate (tests/core/generate_main.cc): requests in, payloads of the implementation out."""

import io
import json
import os
import shlex
import struct
import subprocess

_ERROR_FOLLOWS = 2**64 - 1


class GenerateError(Exception):
    """The implementation refused a request; the text is its error."""


def targets():
    """The SIMD targets that this machine has."""
    return subprocess.run(_command("--targets"), stdout=subprocess.PIPE, text=True, check=True).stdout.split()


def generate(requests, target=None):
    """For each request, a dict with the keys that tests/core/generate_main.cc lists: its bytes, or a GenerateError.

    By the SIMD target named, or the best one.
    """
    command = _command(*([target] if target else []))
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    finished = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True, timeout=120)
    stream = io.BytesIO(finished.stdout)
    answers = []
    for _ in requests:
        length = _length(stream)
        if length == _ERROR_FOLLOWS:
            answers.append(GenerateError(_bytes(stream, _length(stream)).decode()))
        else:
            answers.append(_bytes(stream, length))
    if stream.read():
        raise EOFError("weightinit-generate answered more than it was asked")
    return answers


def _command(*arguments):
    """WEIGHTINIT_GENERATE is a command: an emulator may stand before the program."""
    return shlex.split(os.environ["WEIGHTINIT_GENERATE"]) + list(arguments)


def _length(stream):
    return struct.unpack("<Q", _bytes(stream, 8))[0]


def _bytes(stream, count):
    read = stream.read(count)
    if len(read) != count:
        raise EOFError("weightinit-generate stopped in the middle of an answer")
    return read
