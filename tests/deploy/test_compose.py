"""compose.yaml, what it gives Envoy, Prometheus and Grafana, and the list of what is in the image."""

import json
import pathlib
import re
import tempfile
import unittest

import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from settings import DOCKER, ROOT, TOOLS, WORK, check, known_variables, run

COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
ENVOY = yaml.safe_load((DOCKER / "envoy.yaml").read_text())
PROMETHEUS = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
PROMTOOL = WORK / "prometheus" / "usr" / "bin" / "promtool"


def result_of(kind, name, text):
    """What the tool says of a file with this text, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / name
        file.write_text(text)
        return run(TOOLS, kind, file)


class ComposeTest(unittest.TestCase):
    def test_compose_takes_the_file_and_refuses_a_misspelt_one(self):
        loaded = run(TOOLS, "compose", DOCKER / "compose.yaml")
        self.assertEqual(0, loaded.returncode, loaded.stderr)
        text = (DOCKER / "compose.yaml").read_text()
        refused = result_of("compose", "compose.yaml", text.replace("depends_on:", "depend_on:", 1))
        self.assertIn("depend_on", refused.stderr)

    def test_every_container_is_confined_and_reached_from_this_machine_only(self):
        for name, service in COMPOSE["services"].items():
            with self.subTest(service=name):
                self.assertIs(service["read_only"], True)
                self.assertEqual(["ALL"], service["cap_drop"])
                self.assertEqual(["no-new-privileges:true"], service["security_opt"])
                for port in service.get("ports", []):
                    self.assertTrue(port.startswith("127.0.0.1:"), port)

    def test_what_is_mounted_is_there(self):
        for service in COMPOSE["services"].values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((DOCKER / source).exists(), source)
                else:
                    self.assertIn(source, COMPOSE["volumes"])

    def test_the_server_takes_the_settings(self):
        settings = COMPOSE["services"]["server"]["environment"]
        self.assertLessEqual(set(settings), known_variables())
        checked = check(settings, DOCKER)
        self.assertEqual(0, checked.returncode, checked.stderr)


class EnvoyTest(unittest.TestCase):
    def test_envoys_types_and_rules_hold(self):
        checked = run(TOOLS, "envoy", DOCKER / "envoy.yaml")
        self.assertEqual(0, checked.returncode, checked.stderr)

    def test_a_misspelt_field_a_broken_rule_and_an_unknown_filter_are_noticed(self):
        text = (DOCKER / "envoy.yaml").read_text()
        self.assertIn("use_remote_adress",
                      result_of("envoy", "envoy.yaml", text.replace("use_remote_address", "use_remote_adress")).stderr)
        # Inside what the listener packs.
        self.assertIn("StatPrefix", result_of("envoy", "envoy.yaml", text.replace("stat_prefix: web", 'stat_prefix: ""')).stderr)
        self.assertIn("GrpcWebb", result_of("envoy", "envoy.yaml", text.replace("v3.GrpcWeb\n", "v3.GrpcWebb\n")).stderr)

    def test_envoy_finds_the_server_and_is_found(self):
        [cluster] = ENVOY["static_resources"]["clusters"]
        [endpoint] = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        address = endpoint["endpoint"]["address"]["socket_address"]
        self.assertIn(address["address"], COMPOSE["services"])
        self.assertIn(f"EXPOSE {address['port_value']}\n", (DOCKER / "Dockerfile").read_text())
        [listener] = ENVOY["static_resources"]["listeners"]
        port = listener["address"]["socket_address"]["port_value"]
        self.assertEqual([f"127.0.0.1:{port}:{port}"], COMPOSE["services"]["envoy"]["ports"])
        [host] = listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
        contract = (ROOT / "proto/weightinit/v1/weight_init_service.proto").read_text()
        services = re.findall(r"^service (\w+)", contract, re.MULTILINE)
        self.assertIn(f"/weightinit.v1.{services[0]}/", [route["match"]["prefix"] for route in host["routes"]])
        for route in host["routes"]:
            self.assertEqual(cluster["name"], route["route"]["cluster"])
            # A stream is not cut after Envoy's usual 15 s.
            self.assertEqual("0s", route["route"]["timeout"])


class ObserveTest(unittest.TestCase):
    def test_prometheus_takes_its_settings_and_rules(self):
        checked = run(PROMTOOL, "check", "config", DOCKER / "prometheus" / "prometheus.yml")
        self.assertEqual(0, checked.returncode, checked.stdout + checked.stderr)

    def test_wrong_rules_are_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in "prometheus.yml", "alerts.yaml":
                text = (DOCKER / "prometheus" / name).read_text()
                (pathlib.Path(folder) / name).write_text(text.replace("expr: ", "expr: (", 1))
            checked = run(PROMTOOL, "check", "config", pathlib.Path(folder) / "prometheus.yml")
            self.assertNotEqual(0, checked.returncode)

    def test_prometheus_finds_the_server(self):
        [job] = PROMETHEUS["scrape_configs"]
        [source] = job["dns_sd_configs"]
        [name] = source["names"]
        listen = COMPOSE["services"][name]["environment"]["WEIGHTINIT_SERVER_METRICS_LISTEN"]
        self.assertEqual(f"0.0.0.0:{source['port']}", listen)
        alerts = (DOCKER / "prometheus" / "alerts.yaml").read_text()
        self.assertEqual({job["job_name"]}, set(re.findall('job="([^"]*)"', alerts)))

    def test_grafana_finds_prometheus_and_the_dashboard(self):
        provisioning = DOCKER / "grafana" / "provisioning"
        [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
        port = COMPOSE["services"]["prometheus"]["ports"][0].split(":")[-1]
        self.assertEqual(f"http://prometheus:{port}", source["url"])
        [provider] = yaml.safe_load((provisioning / "dashboards" / "weightinit.yaml").read_text())["providers"]
        mounted = [volume.split(":")[1] for volume in COMPOSE["services"]["grafana"]["volumes"]]
        self.assertIn(provider["options"]["path"] + "/weightinit.json", mounted)


class SbomTest(unittest.TestCase):
    def test_the_list_of_this_machines_packages_is_valid_and_complete(self):
        printed = run(DOCKER / "sbom.sh", "1.2.3")
        self.assertEqual(0, printed.returncode, printed.stderr)
        self.assertIsNone(JsonStrictValidator(SchemaVersion.V1_6).validate_str(printed.stdout))
        bom = json.loads(printed.stdout)
        self.assertEqual("1.2.3", bom["metadata"]["component"]["version"])
        installed = run("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\n").stdout.splitlines()
        expected = sorted(line.split()[1:] for line in installed if line.startswith("ii"))
        self.assertEqual(expected, sorted([part["name"], part["version"]] for part in bom["components"]))
        for part in bom["components"]:
            self.assertRegex(part["purl"], r"^pkg:deb/debian/[a-z0-9.%B-]+@[A-Za-z0-9.%~-]+\?arch=[a-z0-9]+&distro=debian-\d+$")


if __name__ == "__main__":
    unittest.main()
