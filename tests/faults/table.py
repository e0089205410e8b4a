"""Writes the table of `run --table`: what each row must hold, and what was measured."""

import datetime
import json
import os
import pathlib
import sys

import grpc

# Of a row: what is done, and the pass line.
ROWS = {
    "mix": ("16 clients, mixed requests with random cancels", "0 wrong checksums"),
    "one connection": ("one connection with streams of 1 GiB that it does not read",
                       "others served within 50 ms; a healthy client keeps half of its speed; cut at the stall timeout"),
    "many connections": ("many connections that do not read",
                         "the same; memory 64 MiB + 0.85 MiB each and within the budget"),
    "overload": ("four times the admitted load", "refusals p99 <= 50 ms, with RetryInfo; bytes held within the cap"),
    "cancel": ("streams cancelled at random points", "all places free after 1 s; memory within 10 MB; descriptors, threads flat"),
    "drain": ("SIGTERM with 50 streams", "NOT_SERVING first; exit 0 in time; no truncated stream ends well"),
    "descriptors": ("128 descriptors, 500 connections", "serves again within 1 s"),
    "attacks": ("attacks on HTTP/2", "alive; another's calls p99 <= 100 ms; <= 512 MB in the burst, +20 MB afterwards"),
    "invalid": ("200 invalid requests and more", "the right code; <= 1 MiB each"),
    "rotations": ("certificates that change under traffic", "0 failed calls"),
    "bad certificates": ("certificate files that cannot be used", "those of before stay"),
    "client certificates": ("clients with wrong certificates, or none", "the right code"),
    "tokens": ("tokens: none, wrong, right, replaced, of other roles", "the right code; no secret in the log"),
    "network": ("delay, resets, 1 MB/s, a black hole", "every byte, or an end at the deadline"),
    "kill": ("kill -9 and restart during transfers", "every file byte-equal; no other file"),
    "memory": ("little address space at full load", "refusals, no crash"),
    "soak": ("a mix for long", "0 failures; < 1 MB/min; descriptors, threads flat"),
    "proxies": ("nginx, HAProxy, nghttpx in front", "every byte"),
    "first call": ("first call on a new connection to a quiet server", "p99 <= 5 ms"),
    "fairness": ("calls of 1 KiB beside two streams that take all they get", "p99 <= 8.8 ms, what it once was"),
}


def machine():
    """What the figures were measured on."""
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    name, family, model = (value.strip() for key in ("model name", "cpu family", "model")
                           for each, value in fields.items() if each.strip() == key)
    return f"{name} (family {family}, model {model}), {os.cpu_count()} cores, grpcio {grpc.__version__}"


def table(figures):
    """The rows, each with a line for each of its figures."""
    lines = ["| what | must hold | measured | control | |", "| --- | --- | --- | --- | --- |"]
    for row, (what, must) in ROWS.items():
        mine = [figure for figure in figures if figure["row"] == row]
        if not mine:
            lines.append(f"| {what} | {must} | not measured | | missing |")
        for number, figure in enumerate(mine):
            first = (what, must) if number == 0 else ("", "")
            lines.append(f"| {first[0]} | {first[1]} | {figure['figure']} | {figure['control']} | "
                         f"{'held' if figure['held'] else 'MISSED'} |")
    return lines


def main(figures_file, output, failed):
    figures = [json.loads(line) for line in pathlib.Path(figures_file).read_text(encoding="utf-8").splitlines()]
    unknown = {figure["row"] for figure in figures} - ROWS.keys()
    if unknown:
        raise SystemExit(f"rows that the table does not know: {unknown}")
    text = ["# What the server withstands", "",
            "Written by `tests/faults/run --table`; a control is measured in the same run, without what is tried.", "",
            f"{datetime.date.today()}, {machine()}, server and clients on one machine." +
            (" Some tests FAILED." if failed else ""), "", *table(figures), ""]
    pathlib.Path(output).write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] != "0")
