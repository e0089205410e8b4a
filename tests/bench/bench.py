"""The benchmark of weightinit. script/bench runs it, with everything that it needs; README.md says what is measured."""

import argparse
import datetime
import os
import pathlib
import platform
import re
import signal
import sys

import report
from report import is_measured
from rows import INFORMATIVE_CASES, ROWS, measure_row
from session import MeasurementError, Options, Session, progress

# The targets that have numbers; a machine that has neither is measured on its best.
TARGETS_WITH_NUMBERS = ("avx512", "avx2")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="script/bench", description="Measures weightinit against its peers.")
    parser.add_argument("--quick", action="store_true",
                        help="small tensors, two rounds, short idle times: whether it works, not how fast it is")
    parser.add_argument("--only", metavar="PATTERN", default="",
                        help="only rows whose name matches this regular expression; case is ignored")
    parser.add_argument("--rounds", type=int, help="rounds of each row (default 7)")
    parser.add_argument("--json", metavar="FILE", default="build/bench/bench.json", type=pathlib.Path)
    parser.add_argument("--svg", metavar="FILE", default="build/bench/bench.svg", type=pathlib.Path)
    parser.add_argument("--binaries", metavar="DIR", default="build/release/bin", type=pathlib.Path,
                        help="where the programs are (default: build/release/bin)")
    parser.add_argument("--peers-python", metavar="PYTHON", default="build/bench/venv/bin/python",
                        help="an interpreter that has the peers (default: build/bench/venv/bin/python)")
    return parser, parser.parse_args()


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe_machine(session, options, simd_targets, quick):
    return {
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": f"{platform.system()} {platform.release()}",
        "simd_targets": simd_targets,
        "compiler": session.compiler,
        "versions": {**session.versions, "python": platform.python_version()},
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "quick": quick,
        "tensor_bytes": options.tensor_bytes,
        "rounds": options.rounds,
    }


def informative_text(session, simd_targets):
    """Figures of the core that no peer has, GB/s."""
    lines = ["The core alone, one thread, GB/s: into the whole memory, into one chunk again and again, and rows of "
             "7 of 64 columns", "  ".join(["case".ljust(24), *(simd_target.rjust(8) for simd_target in simd_targets)])]
    for case in INFORMATIVE_CASES:
        figures = [session.core(simd_target, case)["bytes_per_second"] / 1e9 for simd_target in simd_targets]
        lines.append("  ".join([case.ljust(24), *(f"{figure:8.2f}" for figure in figures)]))
    return "\n".join(lines)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main():
    parser, arguments = parse_arguments()
    # So that the processes of the benchmark are stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds has to be at least 1")
    try:
        selected = [row for row in ROWS if re.search(arguments.only, row.name, re.IGNORECASE)]
    except re.error as error:
        parser.error(f"--only is no regular expression: {error}")
    if not selected:
        parser.error(f"--only {arguments.only!r} matches no row: " + "; ".join(row.name for row in ROWS))

    options = Options(arguments.quick, arguments.rounds)
    with Session(arguments.binaries, arguments.peers_python, options) as session:
        supported = session.simd_targets()
        simd_targets = [name for name in TARGETS_WITH_NUMBERS if name in supported] or supported[:1]
        rows = [finished for row in selected for finished in measure_row(row, session, simd_targets)]
        informative = ""
        if not arguments.only:
            progress("bench: the core alone")
            informative = informative_text(session, simd_targets)
        machine = describe_machine(session, options, simd_targets, arguments.quick)

    if arguments.quick:
        print("A quick run: it shows that everything works; the sizes are too small for the figures to mean much.\n")
    print(report.machine_text(machine), "", report.text_table(rows), sep="\n")
    if informative:
        print("", informative, sep="\n")
    write(arguments.json, report.to_json(machine, rows))
    write(arguments.svg, report.svg_chart(machine, rows))
    print(f"\nwritten: {arguments.json}, {arguments.svg}")
    failed = sum(not is_measured(row) for row in rows)
    if failed:
        sys.exit(f"bench: {failed} of {len(rows)} rows were not measured")


if __name__ == "__main__":
    try:
        main()
    except MeasurementError as error:
        sys.exit(f"bench: {error}")
