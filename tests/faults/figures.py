"""How large the tests are, and what they measure: for the table that `run --table` writes."""

import contextlib
import json
import os
import statistics
import threading
import time

# Of `run --table`; else short, for every change.
FULL = os.environ.get("WEIGHTINIT_FAULTS") == "full"


def sized(short, full):
    """One of two sizes."""
    return full if FULL else short


def note(row, figure, held=True, control=""):
    """Adds a figure to a row of the table; `held`: it keeps to the pass line. Times are judged here and asserted nowhere."""
    path = os.environ.get("WEIGHTINIT_FAULTS_FIGURES")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            print(json.dumps({"row": row, "figure": figure, "held": bool(held), "control": control}), file=file)


def quantile(values, fraction):
    """The smallest value that at least this fraction of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-fraction * len(ordered) // 1) - 1)]


def milliseconds(seconds):
    """Their median and 99th percentile, as text."""
    return f"p50 {1000 * statistics.median(seconds):.1f}, p99 {1000 * quantile(seconds, 0.99):.1f} ms"


def timed(action):
    """The seconds that a call takes."""
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


@contextlib.contextmanager
def meanwhile(action):
    """Repeats a call on a thread of its own; gives the seconds that each took, and what it raised."""
    seconds, errors, over = [], [], threading.Event()

    def repeat():
        while not over.is_set():
            try:
                seconds.append(timed(action))
            except Exception as error:  # Any is for the test to judge.
                errors.append(error)
            over.wait(0.005)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield seconds, errors
    finally:
        over.set()
        thread.join()


def slope(points):
    """The slope of the line through (x, y) by least squares."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope
