"""The manifests of docker/k8s: as Kubernetes wants them, and as the server wants its settings."""

import copy
import functools
import itertools
import os
import pathlib
import subprocess
import tempfile
import unittest

import kubernetes_validate
import yaml
from settings import DOCKER, KUSTOMIZE, SERVER, TOOLS, WORK, check, environment_of, known_variables, make_files, run

K8S = DOCKER / "k8s"
COMPONENTS = sorted(path.name for path in (K8S / "components").iterdir())
# The oldest whose defaults the manifests rely on, and the newest known.
VERSIONS = ["1.29", "1.37"]
# Of these kinds Kubernetes itself knows nothing.
EXTENSIONS = {"ServiceMonitor"}


def build(folder):
    built = run(KUSTOMIZE, "build", folder)
    if built.returncode != 0:
        raise AssertionError(built.stderr)
    return [part for part in yaml.safe_load_all(built.stdout) if part]


def build_with(components, **more):
    """The base with these components, as an overlay has them."""
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        overlay = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                   "resources": [os.path.relpath(K8S / "base", folder)],
                   "components": [os.path.relpath(K8S / "components" / name, folder) for name in components], **more}
        (pathlib.Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
        return build(folder)


def the(kind, manifests, name="weightinit"):
    [manifest] = [part for part in manifests if part["kind"] == kind and part["metadata"]["name"] == name]
    return manifest


def faults(manifest):
    """What the schemas of Kubernetes have against a manifest."""
    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            found.append(f"{manifest['kind']}, {version}: {error.message}")
    return found


def variables(deployment):
    """The settings of the server; a number that Kubernetes fills in is taken from the limits."""
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    result = {}
    for variable in container["env"]:
        if "value" in variable:
            result[variable["name"]] = variable["value"]
        else:
            section, key = variable["valueFrom"]["resourceFieldRef"]["resource"].split(".")
            result[variable["name"]] = container["resources"][section][key]
    return result


def in_each_rendering(test):
    """Runs a test with the manifests of the base, of the example, and of the base with each component."""
    @functools.wraps(test)
    def wrapper(self):
        for name, manifests in self.renderings.items():
            with self.subTest(rendering=name):
                test(self, copy.deepcopy(manifests))
    return wrapper


class KubernetesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.renderings = {"base": build(K8S / "base"), "example": build(K8S / "overlays" / "example")}
        for name in COMPONENTS:
            # Clients' certificates go over TLS.
            cls.renderings[name] = build_with(["tls", name] if name == "mutual-tls" else [name])

    @in_each_rendering
    def test_all_are_what_kubernetes_takes(self, manifests):
        for manifest in manifests:
            if manifest["kind"] not in EXTENSIONS:
                self.assertEqual([], faults(manifest))

    def test_a_misspelt_field_a_wrong_type_and_an_unknown_kind_are_noticed(self):
        deployment = the("Deployment", build(K8S / "base"))
        deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
        self.assertRegex(faults(deployment)[0], "readynessProbe")
        service = the("Service", build(K8S / "base"))
        service["spec"]["ports"][0]["port"] = "many"
        self.assertRegex(faults(service)[0], "many")
        self.assertRegex(faults({"apiVersion": "apps/v1", "kind": "Deploiment"})[0], "Deploiment")

    def test_a_component_without_its_deployment_is_noticed(self):
        with tempfile.TemporaryDirectory(dir=WORK) as folder:
            (pathlib.Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(
                {"components": [os.path.relpath(K8S / "components" / "no-such", folder)]}))
            with self.assertRaisesRegex(AssertionError, "no-such"):
                build(folder)

    def test_every_component_changes_something(self):
        for name in COMPONENTS:
            with self.subTest(component=name):
                self.assertNotEqual(self.renderings["base"], self.renderings[name])

    @in_each_rendering
    def test_pods_are_confined(self, manifests):
        pod = the("Deployment", manifests)["spec"]["template"]["spec"]
        self.assertIs(pod["automountServiceAccountToken"], False)
        self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
        self.assertEqual(65532, pod["securityContext"]["runAsUser"])
        self.assertEqual({"type": "RuntimeDefault"}, pod["securityContext"]["seccompProfile"])
        [container] = pod["containers"]
        self.assertEqual({"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                          "capabilities": {"drop": ["ALL"]}}, container["securityContext"])
        self.assertEqual({"cpu", "memory"}, set(container["resources"]["limits"]))
        self.assertEqual({"cpu", "memory"}, set(container["resources"]["requests"]))
        for volume in pod.get("volumes", []):
            if "secret" in volume:
                # Owner and group, whom fsGroup sets, and nobody else.
                self.assertEqual(0o440, volume["secret"]["defaultMode"])
            else:
                self.assertIn("sizeLimit", volume["emptyDir"])

    @in_each_rendering
    def test_what_refers_to_something_finds_it(self, manifests):
        template = the("Deployment", manifests)["spec"]["template"]
        labels = template["metadata"]["labels"].items()
        [container] = template["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        selectors = [the("Deployment", manifests)["spec"]["selector"]["matchLabels"],
                     the("PodDisruptionBudget", manifests)["spec"]["selector"]["matchLabels"],
                     the("NetworkPolicy", manifests)["spec"]["podSelector"]["matchLabels"],
                     the("Service", manifests)["spec"]["selector"],
                     the("Service", manifests, "weightinit-headless")["spec"]["selector"]]
        for selector in selectors:
            self.assertTrue(selector and selector.items() <= labels, selector)
        for name in "weightinit", "weightinit-headless":
            for port in the("Service", manifests, name)["spec"]["ports"]:
                self.assertIn(port["targetPort"], ports)
        for rule in the("NetworkPolicy", manifests)["spec"]["ingress"]:
            for port in rule["ports"]:
                self.assertIn(port["port"], ports)
        self.assertEqual("None", the("Service", manifests, "weightinit-headless")["spec"]["clusterIP"])
        target = the("HorizontalPodAutoscaler", manifests)["spec"]["scaleTargetRef"]
        self.assertEqual(("Deployment", "weightinit"), (target["kind"], target["name"]))
        self.assertNotIn("replicas", the("Deployment", manifests)["spec"])
        the("ServiceAccount", manifests, template["spec"]["serviceAccountName"])

    def test_prometheus_finds_the_metrics(self):
        manifests = self.renderings["service-monitor"]
        monitor = the("ServiceMonitor", manifests)
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        found = [part for part in manifests if part["kind"] == "Service" and wanted <= part["metadata"]["labels"].items()]
        self.assertEqual(["weightinit-metrics"], [service["metadata"]["name"] for service in found])
        [port] = found[0]["spec"]["ports"]
        self.assertEqual([port["name"]], [endpoint["port"] for endpoint in monitor["spec"]["endpoints"]])
        deployment = the("Deployment", manifests)
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        self.assertIn({"name": port["targetPort"], "containerPort": port["port"]}, container["ports"])
        self.assertTrue(variables(deployment)["WEIGHTINIT_SERVER_METRICS_LISTEN"].endswith(f":{port['port']}"))
        self.assertIn({"port": port["targetPort"]}, the("NetworkPolicy", manifests)["spec"]["ingress"][1]["ports"])

    def test_the_prometheus_operator_takes_the_monitor_and_refuses_a_misspelt_one(self):
        monitor = the("ServiceMonitor", self.renderings["service-monitor"])
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "monitor.yaml"
            file.write_text(yaml.safe_dump(monitor))
            checked = run(TOOLS, "service-monitor", file)
            self.assertEqual(0, checked.returncode, checked.stderr)
            monitor["spec"]["endpoints"][0]["intervall"] = "15s"
            file.write_text(yaml.safe_dump(monitor))
            self.assertIn("intervall", run(TOOLS, "service-monitor", file).stderr)

    @in_each_rendering
    def test_health_is_asked_in_a_way_that_the_server_answers(self, manifests):
        deployment = the("Deployment", manifests)
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        for name in "startupProbe", "readinessProbe", "livenessProbe":
            probe = container[name]
            if "WEIGHTINIT_SERVER_TLS_CERT" in variables(deployment):
                self.assertEqual(["weightinit-server", "--health-check"], probe["exec"]["command"])
                # Which is asked there: it needs no TLS.
                self.assertIn("unix:/run/weightinit/probe.sock", variables(deployment)["WEIGHTINIT_SERVER_LISTEN"])
                self.assertNotIn("grpc", probe)
            else:
                self.assertEqual({"port": 50051}, probe["grpc"])
                self.assertNotIn("exec", probe)

    def test_the_probe_reaches_a_server_that_asks_for_certificates(self):
        settings = variables(the("Deployment", self.renderings["mutual-tls"]))
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            make_files(folder)
            environment = environment_of(settings, folder)
            # Here, and at a free port.
            environment["WEIGHTINIT_SERVER_LISTEN"] = settings["WEIGHTINIT_SERVER_LISTEN"].replace(
                "0.0.0.0:50051", "127.0.0.1:0").replace("/run/weightinit", name)
            environment["WEIGHTINIT_SERVER_DRAIN_DELAY_SECONDS"] = "0"
            self.assertEqual(1, run(SERVER, "--health-check", env=environment).returncode)
            with subprocess.Popen([SERVER], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  text=True) as server:
                try:
                    self.assertIn("listening", server.stdout.readline())
                    probed = run(SERVER, "--health-check", env=environment)
                    self.assertEqual(0, probed.returncode, probed.stderr)
                finally:
                    server.terminate()
            self.assertEqual(0, server.returncode)

    @in_each_rendering
    def test_the_drain_ends_before_the_pod_is_killed(self, manifests):
        deployment = the("Deployment", manifests)
        settings = variables(deployment)
        drain = int(settings["WEIGHTINIT_SERVER_DRAIN_DELAY_SECONDS"]) + int(settings["WEIGHTINIT_SERVER_DRAIN_SECONDS"])
        self.assertLess(drain, deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])

    @in_each_rendering
    def test_the_server_takes_the_settings(self, manifests):
        known = known_variables()
        deployment = the("Deployment", manifests)
        settings = variables(deployment)
        self.assertLessEqual(set(settings), known)
        pod = deployment["spec"]["template"]["spec"]
        [container] = pod["containers"]
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        self.assertEqual(len(mounts), len(set(mounts)))
        self.assertEqual({volume["name"] for volume in pod.get("volumes", [])},
                         {mount["name"] for mount in container.get("volumeMounts", [])})
        for name, value in settings.items():
            for word in value.split(","):
                path = word.removeprefix("unix:")
                if path.startswith("/"):
                    self.assertIn(str(pathlib.PurePath(path).parent), mounts, name)
        with tempfile.TemporaryDirectory() as folder:
            make_files(pathlib.Path(folder))
            checked = check(settings, pathlib.Path(folder))
            self.assertEqual(0, checked.returncode, checked.stderr)

    def test_settings_that_the_server_refuses_are_noticed(self):
        settings = variables(the("Deployment", self.renderings["example"]))
        with tempfile.TemporaryDirectory() as folder:
            make_files(pathlib.Path(folder))
            refused = check({**settings, "WEIGHTINIT_SERVER_DRAIN_SECONDS": "a while"}, pathlib.Path(folder))
            self.assertEqual(2, refused.returncode)
            (pathlib.Path(folder) / "tls.key").unlink()
            refused = check(settings, pathlib.Path(folder))
            self.assertEqual(2, refused.returncode)

    def test_components_go_together(self):
        names = [name for name in COMPONENTS if name not in {"tls", "metrics", "scale-by-cpu", "service-monitor"}]
        for chosen in itertools.combinations(names, 2):
            with self.subTest(components=chosen):
                pod = the("Deployment", build_with(["tls", *chosen]))["spec"]["template"]["spec"]
                self.assertLess(1, len(pod["volumes"]))


if __name__ == "__main__":
    unittest.main()
