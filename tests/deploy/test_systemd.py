"""The unit of docker/systemd: as systemd wants it, well confined, with settings that the server takes."""

import pathlib
import re
import shutil
import tempfile
import unittest

from settings import DOCKER, SERVER, check, known_variables, make_files, run

SYSTEMD = DOCKER / "systemd"
NAME = "weightinit-server.service"
# In tenths, of 10: what systemd calls "OK". Most of what is left is the network.
EXPOSURE = 15


class SystemdTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.unit = self.folder / NAME
        # The program that there is, not the one that will be.
        self.unit.write_text((SYSTEMD / NAME).read_text().replace("/usr/local/bin/weightinit-server", str(SERVER)))

    def verify(self):
        return run("systemd-analyze", "verify", "--man=no", self.unit)

    def add_secrets(self):
        drop_in = self.folder / (NAME + ".d")
        drop_in.mkdir()
        shutil.copy(SYSTEMD / "secrets.conf", drop_in)

    def setting(self, name):
        return re.findall(rf"^{name}=(.*)$", self.unit.read_text(), re.MULTILINE)

    def test_systemd_takes_the_unit(self):
        verified = self.verify()
        self.assertEqual((0, ""), (verified.returncode, verified.stderr))

    def test_systemd_takes_the_secrets_too(self):
        self.add_secrets()
        verified = self.verify()
        self.assertEqual((0, ""), (verified.returncode, verified.stderr))

    def test_a_misspelt_line_is_noticed(self):
        self.unit.write_text(self.unit.read_text().replace("LimitNOFILE", "LimitNOFIEL"))
        self.add_secrets()
        drop_in = self.folder / (NAME + ".d") / "secrets.conf"
        drop_in.write_text(drop_in.read_text().replace("LoadCredential=tls.key", "LoadCredentail=tls.key"))
        errors = self.verify().stderr
        self.assertIn("LimitNOFIEL", errors)
        self.assertIn("LoadCredentail", errors)

    def test_the_service_is_confined(self):
        self.add_secrets()
        judged = run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", self.unit)
        self.assertEqual(0, judged.returncode, judged.stdout + judged.stderr)

    def test_a_service_with_a_hole_is_noticed(self):
        self.unit.write_text(re.sub("^(SystemCall|Protect|Restrict).*\n", "", self.unit.read_text(), flags=re.MULTILINE))
        judged = run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", self.unit)
        self.assertNotEqual(0, judged.returncode)

    def test_the_drain_ends_before_the_server_is_killed(self):
        printed = run(SERVER, "--config", SYSTEMD / "server.toml", "--print-config").stdout
        seconds = re.findall(r"^drain-(?:delay-)?seconds = ([0-9.]+)", printed, re.MULTILINE)
        self.assertEqual(2, len(seconds), printed)
        [stop] = self.setting("TimeoutStopSec")
        self.assertLess(sum(map(float, seconds)), float(stop))

    def test_descriptors_suffice_for_all_connections(self):
        printed = run(SERVER, "--config", SYSTEMD / "server.toml", "--print-config").stdout
        [connections] = re.findall(r"^(?:# *)?max-connections = ([0-9]+)", printed, re.MULTILINE)
        [descriptors] = self.setting("LimitNOFILE")
        self.assertLess(2 * int(connections), int(descriptors))

    def test_the_server_takes_the_settings(self):
        secrets = (SYSTEMD / "secrets.conf").read_text()
        credentials = set(re.findall(r"^LoadCredential=([^:]+):", secrets, re.MULTILINE))
        variables = dict(re.findall(r"^Environment=(\w+)=%d/(.*)$", secrets, re.MULTILINE))
        self.assertEqual(credentials, set(variables.values()))
        self.assertLessEqual(set(variables), known_variables())
        make_files(self.folder)
        files = {name: f"/etc/{file}" for name, file in variables.items()}
        checked = check(files, self.folder, "--config", SYSTEMD / "server.toml")
        self.assertEqual(0, checked.returncode, checked.stderr)


if __name__ == "__main__":
    unittest.main()
