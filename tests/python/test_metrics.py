"""Metrics of the server: what it exports, against docs/metrics.md, the dashboard and the alerts; request ids in its log."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from cli_process import PATIENCE, SERVER, run_cli

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "metrics.md"
DASHBOARD = ROOT / "docker" / "grafana" / "weightinit.json"
ALERTS = ROOT / "docker" / "prometheus" / "alerts.yaml"

# Of a histogram.
SUFFIXES = ("_bucket", "_count", "_sum")


class WatchedServer:
    """A server with metrics; its log, of level debug and in JSON, is at the path `log`."""

    def __init__(self, directory, *arguments, **environment):
        self.log = pathlib.Path(directory) / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [SERVER, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log-format", "json",
                 "--log-level", "debug", *arguments],
                stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **environment})
        self.address, self.metrics = (self.process.stdout.readline().rsplit(" ", 1)[1].strip() for _ in range(2))

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.metrics}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def values(text):
    """The samples of a text in the format of Prometheus, by name and labels."""
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in text.splitlines() if line and not line.startswith("#")}


def names_in(expressions):
    """The metrics that PromQL expressions use."""
    words = re.findall(r"\b(?:grpc_server|weightinit|process)_[a-z_]+", "\n".join(expressions))
    return set(words)


class MetricsTestCase(unittest.TestCase):

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())

    def start(self, *arguments, **environment):
        return self.enterContext(WatchedServer(self.directory, *arguments, **environment))

    def fetch(self, server, shape="64x32", code=0):
        finished = run_cli("init", "--server", server.address, "--shape", shape, "--activation", "relu", "--seed", "1",
                           "-o", "-", "--format", "bin")
        self.assertEqual(finished.returncode, code, finished.stderr)


class MetricsTest(MetricsTestCase):

    def test_calls_and_bytes_are_counted(self):
        server = self.start()
        self.fetch(server)
        self.fetch(server)
        labels = 'grpc_method="InitializeTensor",grpc_service="weightinit.v1.WeightInitService",grpc_type="server_stream"'
        found = values(server.get("/metrics")[1])
        self.assertEqual(found[f"grpc_server_started_total{{{labels}}}"], 2)
        self.assertEqual(found[f'grpc_server_handled_total{{grpc_code="OK",{labels}}}'], 2)
        self.assertEqual(found['weightinit_bytes_total{dtype="float32",scheme="he_normal"}'], 2 * 64 * 32 * 4)
        self.assertEqual(found["weightinit_serving"], 1)
        self.assertGreater(found["weightinit_generation_seconds_total"], 0)
        self.assertGreater(found["process_resident_memory_bytes"], 1 << 20)

    def test_refusals_are_counted_by_reason(self):
        server = self.start("--max-elements", "5")
        self.fetch(server, code=2)
        found = values(server.get("/metrics")[1])
        self.assertEqual(found['weightinit_rejections_total{reason="invalid_request"}'], 1)

    def test_not_ready_while_it_drains(self):
        server = self.start("--drain-delay-seconds", "30")
        self.assertEqual((server.get("/readyz")[0], server.get("/healthz")[0]), (200, 200))
        server.process.send_signal(signal.SIGTERM)
        while server.get("/readyz")[0] == 200:
            self.assertIsNone(server.process.poll())
        self.assertEqual((server.get("/readyz")[0], server.get("/healthz")[0]), (503, 200))
        self.assertEqual(values(server.get("/metrics")[1])["weightinit_serving"], 0)

    def test_port_that_is_taken_is_an_error(self):
        server = self.start()
        second = subprocess.run([SERVER, "--listen", "127.0.0.1:0", "--metrics-listen", server.metrics],
                                capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"--metrics-listen: cannot listen on \"{server.metrics}\"", second.stderr)


class NamesTest(MetricsTestCase):
    """Of documents, against a server that has served and refused a call."""

    def exported(self):
        server = self.start("--max-elements", "4096")
        self.fetch(server)
        self.fetch(server, "65x64", code=2)
        return server.get("/metrics")[1]

    def test_document_has_every_metric_and_its_meaning(self):
        text = self.exported()
        helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
        rows = dict(re.findall(r"^\| `([a-z_]+)(?:\{[a-z_, ]*\})?` \| (.*?) \|$", DOCS.read_text(encoding="utf-8"),
                               re.MULTILINE))
        # Only a server with TLS has it.
        self.assertEqual(set(rows) - {"weightinit_certificate_expiry_seconds"}, set(helps))

    def assert_exported(self, expressions):
        text = self.exported()
        exported = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE)) | {"weightinit_certificate_expiry_seconds"}
        histograms = set(re.findall(r"^# TYPE (\S+) histogram", text, re.MULTILINE))
        exported |= {name + suffix for name in histograms for suffix in SUFFIXES}
        used = names_in(expressions)
        self.assertGreater(len(used), 3)
        self.assertEqual(used - exported, set())
        # Labels as well.
        labels = set(re.findall(r"([a-z_]+)=\"", text)) | {"job", "instance", "le"}
        for expression in expressions:
            for group in re.findall(r"by \(([a-z_, ]+)\)", expression) + re.findall(r"\{([^}]*)\}", expression):
                for label in re.findall(r"([a-z_]+)(?==|!|,|$|\s*$)", re.sub(r'"[^"]*"', "", group)):
                    self.assertIn(label, labels, expression)

    def test_dashboard_uses_what_is_exported(self):
        dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
        expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
        self.assert_exported(expressions)
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))

    def test_alerts_use_what_is_exported(self):
        self.assert_exported(re.findall(r"^ +expr: (.*)$", ALERTS.read_text(encoding="utf-8"), re.MULTILINE))


class LogTest(MetricsTestCase):

    def test_every_line_is_json_those_of_grpc_too(self):
        server = self.start(GRPC_VERBOSITY="debug")
        self.fetch(server)
        self.assertEqual(server.stop(), 0)
        messages = [json.loads(line)["message"] for line in server.log.read_text(encoding="utf-8").splitlines()]
        self.assertTrue(any(message.startswith("gRPC: ") for message in messages), messages)
        self.assertIn("call", messages)

    def test_a_call_has_a_request_id(self):
        server = self.start()
        self.fetch(server)
        self.assertEqual(server.stop(), 0)
        calls = [entry for entry in map(json.loads, server.log.read_text(encoding="utf-8").splitlines())
                 if entry["message"] == "call"]
        self.assertRegex(calls[0]["request_id"], "^[0-9a-f]{16}$")


if __name__ == "__main__":
    unittest.main()
