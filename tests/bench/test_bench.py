"""The benchmark's arithmetic on known numbers, its chart, and its programs at tiny sizes."""

import json
import os
import pathlib
import re
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree
import zlib

import report
from processes import LineProcess, MeasurementError, constant_server, throttle, weightinit_server
from rows import INFORMATIVE_CASES, ROWS, ComparedRow, LimitedRow, measure_row
from session import SHIPPED_MODELS, Options, Session

BINARIES = pathlib.Path(os.environ["WEIGHTINIT_BENCH_BINARIES"])

MACHINE = {"cpu": 'Example <"CPU"> & Co', "cores": 2, "memory_gib": 8, "kernel": "Linux 6.1",
           "simd_targets": ["avx512", "avx2"], "compiler": "GNU 12", "versions": {"torch": "2.0"}}
ISSUE_KEYS = {"name", "ours", "peer", "unit", "ratio", "target", "runs", "min", "max"}


class CountingSession:
    """Stands in for a session; the figures say in which order they were taken."""

    options = Options(rounds=3)

    def __init__(self):
        self.calls = []

    def take(self, what):
        self.calls.append(what)
        return float(len(self.calls))


def counting_row(**more):
    return ComparedRow("a / b", "GB/s", lambda session, simd_target: session.take(simd_target),
                       lambda session, simd_target: {"only": session.take("peer of " + simd_target)},
                       {"avx512": report.at_least(6)}, **more)


class ArithmeticTest(unittest.TestCase):
    def row(self, **changed):
        arguments = {"name": "a / b", "simd_target": "avx2", "unit": "GB/s", "bound": report.at_least(2.5),
                     "ours": [30.0, 10.0, 20.0, 90.0, 50.0], "peer": {"only": [10.0, 10.0, 10.0, 20.0, 25.0]}}
        return report.compared_row(**{**arguments, **changed})

    def test_ratio_is_that_of_the_medians_and_extremes_are_of_single_rounds(self):
        row = self.row()
        self.assertEqual((row["ours"], row["peer"], row["ratio"]), (30.0, 10.0, 3.0))
        self.assertEqual((row["min"], row["max"], row["runs"]), (1.0, 4.5, 5))
        self.assertEqual((row["target"], row["verdict"], row["score"]), (">= 2.5", "met", 1.2))

    def test_best_variant_of_the_peer_counts(self):
        row = self.row(peer={"slow": [1.0] * 5, "fast": [15.0] * 5})
        self.assertEqual((row["peer_variant"], row["ratio"], row["verdict"]), ("fast", 2.0, "missed"))

    def test_of_times_the_shortest_variant_counts(self):
        row = self.row(peer={"slow": [40.0] * 5, "fast": [20.0] * 5}, bound=report.at_most(1.2), more_is_better=False)
        self.assertEqual((row["peer_variant"], row["ratio"], row["target"]), ("fast", 1.5, "<= 1.2"))
        self.assertEqual(row["verdict"], "missed")
        self.assertAlmostEqual(row["score"], 0.8)

    def test_bound_itself_meets(self):
        self.assertEqual(report.at_least(2).verdict(2.0), "met")
        self.assertEqual(report.at_most(2).verdict(2.0), "met")
        self.assertEqual(report.REPORT.verdict(0.1), "report")

    def test_rounds_of_both_sides_have_to_be_as_many(self):
        with self.assertRaises(ValueError):
            self.row(peer={"only": [1.0] * 4})

    def test_quantile_of_a_hundred_samples_is_the_sample_of_that_rank(self):
        samples = [float(i) for i in range(100, 0, -1)]
        self.assertEqual(report.quantile(samples, 0.99), 99.0)
        self.assertEqual(report.quantile(samples, 0.5), 50.0)
        self.assertEqual(report.quantile([7.0], 0.99), 7.0)

    def test_limit_stands_in_the_place_of_the_peer(self):
        row = report.limited_row("p99 / 5 ms", "avx2", "ms", 5.0, [1.0, 2.0, 6.0], 0.99)
        self.assertEqual((row["ours"], row["peer"], row["ratio"], row["runs"]), (6.0, 5.0, 1.2, 3))
        self.assertEqual((row["min"], row["max"], row["target"], row["verdict"]), (0.2, 1.2, "<= 1", "missed"))

    def test_json_has_the_machine_and_all_rows(self):
        rows = [self.row(), report.failed_row("c / d", "avx2", "ms", report.at_most(1.2), "no d")]
        read = json.loads(report.to_json(MACHINE, rows))
        self.assertEqual(set(read), {"machine", "rows"})
        self.assertEqual(read["machine"], MACHINE)
        self.assertEqual([row["ratio"] for row in read["rows"]], [3.0, None])
        for row in read["rows"]:
            self.assertLessEqual(ISSUE_KEYS, set(row))

    def test_table_has_a_line_for_each_row_and_says_what_was_not_measured(self):
        rows = [self.row(), report.failed_row("c / d", "avx2", "ms", report.at_most(1.2), "no d")]
        head, measured, failed = report.text_table(rows).splitlines()
        self.assertIn("ratio", head)
        self.assertRegex(measured, r"a / b .* 3\.00 +\[1\.00 \.\. 4\.50\] +>= 2\.5 +met")
        self.assertTrue(failed.endswith("not measured: no d"))

    def test_chart_is_well_formed_and_has_a_bar_for_each_row(self):
        rows = [self.row(), self.row(name="1 <b> & c"), self.row(simd_target="avx512", bound=report.REPORT),
                report.failed_row("c / d", "avx2", "ms", report.at_most(1.2), "no d")]
        chart = xml.etree.ElementTree.fromstring(report.svg_chart(MACHINE, rows))
        namespace = {"svg": "http://www.w3.org/2000/svg"}
        self.assertEqual(chart.tag, "{http://www.w3.org/2000/svg}svg")
        texts = [text.text for text in chart.findall("svg:text", namespace)]
        self.assertIn("1 <b> & c", texts)
        self.assertIn("not measured", texts)
        # Those of one name stand together.
        first, same, second, failed = [float(rect.get("width")) for rect in chart.findall("svg:rect", namespace)
                                       if rect.get("class").startswith("bar ")]
        self.assertEqual((first, failed), (second, 0))
        # A ratio of 3 without a target is cut at 2.5; the others are 1.2 times their target.
        self.assertAlmostEqual(first / same, 1.2 / 2.5, places=2)


class RowsTest(unittest.TestCase):
    def test_shared_peer_runs_between_ours_and_every_other_round_is_reversed(self):
        session = CountingSession()
        rows = counting_row().measure(session, ["avx512", "avx2"])
        forwards = ["avx512", "peer of avx512", "avx2"]
        self.assertEqual(session.calls, forwards + forwards[::-1] + forwards + forwards[::-1])
        # Rounds 1 to 3: the one that warms up does not count.
        self.assertEqual([(row["ours"], row["peer"], row["runs"]) for row in rows], [(7.0, 8.0, 3), (9.0, 8.0, 3)])
        self.assertEqual([row["target"] for row in rows], [">= 6", "report"])

    def test_peer_of_our_own_runs_next_to_each(self):
        session = CountingSession()
        counting_row(shared_peer=False).measure(session, ["avx512", "avx2"])
        self.assertEqual(session.calls[:4], ["avx512", "peer of avx512", "avx2", "peer of avx2"])

    def test_failure_becomes_rows_that_say_so(self):
        def fail(*_):
            raise MeasurementError("no such thing")
        rows = measure_row(LimitedRow("x / 5 ms", "ms", 5.0, 0.99, fail), CountingSession(), ["avx512", "avx2"])
        self.assertEqual([row["verdict"] for row in rows], ["not measured: no such thing"] * 2)
        self.assertFalse(any(map(report.is_measured, rows)))

    def test_names_are_distinct_and_name_both_sides(self):
        names = [row.name for row in ROWS]
        self.assertEqual(len(set(names)), len(names))
        for name in names:
            self.assertIn(" / ", name)


def request(elements, **more):
    return {"tensor": {"shape": [elements], "scheme": "SCHEME_UNIFORM"}, "seed": "7", **more}


class FilesTest(unittest.TestCase):
    """The two programs that write files write as much."""

    def test_each_writes_the_whole_file_and_leaves_none(self):
        options = Options(quick=True)
        options.file_bytes = 3 << 20
        with Session(BINARIES, "python3", options) as session:
            self.assertGreater(session.init_throughput("scalar", 1024), 0)
            self.assertGreater(session.raw_write_throughput(), 0)

    def test_program_that_fails_is_a_measurement_error(self):
        options = Options(quick=True)
        with Session(BINARIES, "python3", options) as session, self.assertRaisesRegex(MeasurementError, "no-such"):
            session.init_throughput("no-such", 1024)


class ProgramsTest(unittest.TestCase):
    """The programs that measure transfer what they should."""

    # Three chunks of 64 KiB, and 4 bytes.
    BYTES = 3 * 65536 + 4

    @classmethod
    def setUpClass(cls):
        cls.client = cls.enterClassContext(LineProcess([BINARIES / "weightinit-bench-stream", 1 << 20]))
        cls.constant = cls.enterClassContext(constant_server(BINARIES)).address
        cls.ours = cls.enterClassContext(weightinit_server(BINARIES, "scalar")).address

    def ask(self, measure, address, elements=BYTES // 4, **more):
        return self.client.ask(measure=measure, address=address,
                               request=request(elements, chunkBytes=65536), **more)

    def test_forced_target_is_the_one_in_use(self):
        self.assertEqual(self.client.ask(measure="info", address=self.ours)["simd_target"], "scalar")

    def test_raw_stream_of_ours_is_what_the_client_library_fetches(self):
        raw = self.ask("raw", self.ours, crc32=True, repeat=2)
        fetched = self.ask("client", self.ours, crc32=True)
        self.assertEqual((raw["bytes"], raw["chunks"], len(raw["seconds"])), (self.BYTES, 4, 2))
        self.assertEqual((fetched["bytes"], fetched["crc32"]), (self.BYTES, raw["crc32"]))
        self.assertNotEqual(raw["crc32"], zlib.crc32(b"\1" * self.BYTES), "the memory is as it was")

    def test_client_fetches_the_same_by_tls(self):
        with Session(BINARIES, sys.executable, Options(quick=True)) as session:
            address, ca = session.tls_server("scalar")
            fetched = self.ask("client", address, crc32=True, ca=ca)
            self.assertEqual(fetched["crc32"], self.ask("client", self.ours, crc32=True)["crc32"])

    def test_constant_server_sends_as_many_bytes_in_the_same_chunks(self):
        for elements, chunks in ((self.BYTES // 4, 4), (2 * 65536 // 4, 2), (1, 1), (0, 0)):
            with self.subTest(elements=elements):
                raw = self.ask("raw", self.constant, elements, crc32=True)
                self.assertEqual((raw["bytes"], raw["chunks"]), (4 * elements, chunks))
                self.assertEqual(raw["crc32"], zlib.crc32(b"\x3f" * (4 * elements)))

    def test_streams_at_once_bring_as_many_tensors(self):
        for address in (self.ours, self.constant):
            raw = self.ask("raw", address, streams=3)
            self.assertEqual((raw["bytes"], raw["chunks"]), (3 * self.BYTES, 12))

    def test_stream_larger_than_the_memory_wraps_around(self):
        raw = self.ask("raw", self.constant, (5 << 20) // 4)
        self.assertEqual((raw["bytes"], raw["chunks"]), (5 << 20, 80))

    def test_small_requests_all_come(self):
        for address in (self.ours, self.constant):
            self.assertEqual(self.ask("small", address, 256, count=50, in_flight=8)["bytes"], 50 * 1024)

    def test_first_byte_is_sampled_as_often_as_asked(self):
        answer = self.client.ask(measure="first_byte", addresses=[self.ours, self.constant], request=request(256),
                                 idle_seconds=0.01, count=5)
        self.assertEqual(len(answer["seconds"]), 5)
        self.assertGreater(min(answer["seconds"]), 0)

    def test_error_of_the_server_and_a_bad_command_are_errors(self):
        for measure in ("raw", "client", "small", "stall"):
            with self.subTest(measure=measure), self.assertRaisesRegex(MeasurementError, "chunk_bytes"):
                self.client.ask(measure=measure, address=self.ours, request=request(1, chunkBytes=1), count=2,
                                in_flight=2, streams=2)
        with self.assertRaisesRegex(MeasurementError, "address"):
            self.client.ask(measure="raw", request=request(1))
        with self.assertRaisesRegex(MeasurementError, "no such measure"):
            self.client.ask(measure="none")

    def test_throttle_passes_everything_on_at_its_rate(self):
        # 5 ms' worth may pass at once.
        for rate in (1e6, 1e8):
            with self.subTest(rate=rate), throttle(BINARIES, self.ours, rate) as link:
                start = time.perf_counter()
                slow = self.ask("client", link.address, crc32=True)
                seconds = time.perf_counter() - start
                self.assertEqual((slow["bytes"], slow["crc32"]),
                                 (self.BYTES, self.ask("client", self.ours, crc32=True)["crc32"]))
                self.assertGreater(seconds, self.BYTES / rate - 0.005)

    def test_throttle_of_a_server_that_is_away_breaks_the_connection(self):
        with throttle(BINARIES, "127.0.0.1:1", 1e6) as link, self.assertRaisesRegex(MeasurementError, "UNAVAILABLE"):
            self.ask("raw", link.address)

    def test_throttle_ends_with_its_standard_input(self):
        with throttle(BINARIES, self.ours, 1e6) as link:
            link.close_input()
            with self.assertRaisesRegex(MeasurementError, "ended with status 0"):
                link.read_line()

    def test_chunk_larger_than_the_memory_is_an_error(self):
        with self.assertRaisesRegex(MeasurementError, "larger than the memory"):
            self.client.ask(measure="raw", address=self.constant, request=request(1 << 19, chunkBytes=2 << 20))

    def test_missing_program_is_an_error(self):
        with self.assertRaisesRegex(MeasurementError, "cannot be run"):
            LineProcess(["/nonexistent"])


class ModelProgramTest(unittest.TestCase):
    """The program that measures models fetches what it should."""

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.manifest = pathlib.Path(directory, "model.json")
        self.manifest.write_text(json.dumps(Session.model_of(3, 100, 7)), encoding="utf-8")
        self.model = self.enterContext(LineProcess([BINARIES / "weightinit-bench-model", 5000],
                                                   {"WEIGHTINIT_TARGET": "scalar"}))

    def ask(self, measure, **more):
        return self.model.ask(measure=measure, manifest=str(self.manifest), **more)

    def test_model_is_the_same_computed_and_from_a_server(self):
        computed = self.ask("model", address="", repeat=2)
        self.assertEqual((computed["bytes"], computed["tensors"], len(computed["seconds"])), (4200, 3, 2))
        with weightinit_server(BINARIES, "scalar") as server:
            self.assertEqual(self.ask("model", address=server.address)["crc32"], computed["crc32"])

    def test_tensor_has_as_many_bytes_as_asked_for(self):
        self.assertEqual(self.model.ask(measure="tensor", address="", elements=2500)["bytes"], 5000)

    def test_description_counts_the_tensors(self):
        answer = self.ask("describe", repeat=3)
        self.assertEqual((answer["tensors"], len(answer["seconds"])), (3, 3))

    def test_errors(self):
        self.manifest.write_text(json.dumps(Session.model_of(3, 1000, 7)), encoding="utf-8")
        with self.assertRaisesRegex(MeasurementError, "larger than the memory"):
            self.ask("model", address="")
        with self.assertRaisesRegex(MeasurementError, "no such measure"):
            self.ask("none")
        self.manifest.unlink()
        with self.assertRaisesRegex(MeasurementError, "No such file"):
            self.ask("describe")


class SessionTest(unittest.TestCase):
    def setUp(self):
        self.options = Options(quick=True, rounds=1)
        self.options.tensor_bytes = 64 << 10
        self.options.fill_seconds = 0.0001
        self.options.stalled_streams = 2
        self.session = self.enterContext(Session(BINARIES, "/nonexistent", self.options))

    def test_every_case_of_the_core_runs_on_the_forced_target(self):
        for case in INFORMATIVE_CASES:
            with self.subTest(case=case):
                self.assertGreater(self.session.core("scalar", case)["bytes_per_second"], 0)

    def test_core_of_an_unknown_target_is_an_error(self):
        with self.assertRaisesRegex(MeasurementError, "mmx"):
            self.session.core("mmx", "whole/normal_f32")

    def test_unlisted_case_is_an_error(self):
        with self.assertRaisesRegex(MeasurementError, "whole/none"):
            self.session.core("scalar", "whole/none")

    def test_memory_of_streams_that_are_not_read_is_counted(self):
        growth = self.session.bytes_per_stalled_stream("scalar", request(1 << 40), request(1))
        self.assertGreater(growth, 0)
        self.assertLess(growth, 64 << 20)

    def test_memory_of_model_streams_that_are_not_read_is_counted(self):
        growth = self.session.bytes_per_stalled_stream("scalar", {"model": self.session.model_of(9, 2000, 1000)},
                                                       request(1), model=True)
        self.assertGreater(growth, 0)
        self.assertLess(growth, 64 << 20)

    def test_memory_of_the_client_beside_its_buffers_is_counted(self):
        self.options.model_bytes = 4_000_000
        for served in (False, True):
            beside = self.session.client_bytes_beside_buffers("scalar", served)
            self.assertGreater(beside, 0)
            self.assertLess(beside, 1 << 30)

    def test_plans_are_sampled(self):
        manifest = self.session.many_tensors_manifest()
        [milliseconds] = self.session.plan_milliseconds("scalar", manifest)
        self.assertGreater(milliseconds, 0)
        self.assertGreater(self.session.command_milliseconds("scalar", "model", "plan", manifest), 0)

    def test_model_of_an_unknown_target_is_an_error(self):
        with self.assertRaisesRegex(MeasurementError, "mmx"):
            self.session.stored_model_seconds("mmx")

    def test_rows_between_ourselves_are_measured_and_rows_of_a_missing_peer_say_so(self):
        # A chunk for each of 16 streams.
        self.options.tensor_bytes = 4 << 20
        self.options.file_bytes = 4 << 20
        self.options.small_count = 20
        self.options.model_bytes = 4_000_000
        self.options.link_model_bytes = 4_000_000
        self.options.stored_model = SHIPPED_MODELS / "lenet5.yaml"
        needs_peer = re.compile("torch|NumPy|MKL|Flight")
        for row in ROWS:
            if isinstance(row, LimitedRow):
                continue  # They take seconds.
            with self.subTest(row=row.name):
                [finished] = measure_row(row, self.session, ["scalar"])
                if needs_peer.search(row.name):
                    self.assertRegex(finished["verdict"], "^not measured: .*cannot be run")
                else:
                    self.assertTrue(report.is_measured(finished), finished["verdict"])


if __name__ == "__main__":
    unittest.main()
