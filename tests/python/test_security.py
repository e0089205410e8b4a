"""TLS and tokens of the server and the command line, by their flags and variables."""

import hashlib
import json
import os
import subprocess
import unittest

from certificates import Authority
from cli_process import SERVER, CliTestCase, real_server

TENSOR = ("--shape", "64x32", "--activation", "relu", "--seed", "42")
TOKEN = "token-of-the-trainer-42"


def variables(**given):
    """The environment with these, and without those that are None."""
    environment = {**os.environ, **given}
    return {name: value for name, value in environment.items() if value is not None}


class SecurityTestCase(CliTestCase):

    def setUp(self):
        super().setUp()
        self.authority = Authority(self.directory)
        self.cert, self.key = self.authority.issue("server")
        self.tls = ("--tls-cert", self.cert, "--tls-key", self.key)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        return self.path(name)

    def access(self, roles="describe,generate,seed"):
        """An access file with the token."""
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        return ("--access-file", self.write("access", f"trainer {roles} sha256:{digest}\n"))


class SecurityTest(SecurityTestCase):

    def data(self, *arguments, **options):
        return self.succeed("init", *TENSOR, "-o", "-", *arguments, **options).stdout

    def test_tensor_comes_by_tls(self):
        expected = self.data()
        with real_server(*self.tls) as server:
            by = ("--server", server.address)
            ca = ("--tls-ca", self.authority.cert)
            self.assertEqual(self.data(*by, *ca), expected)
            self.assertEqual(self.data(*by, env=variables(WEIGHTINIT_CA=self.authority.cert)), expected)
            # It trusts what the machine trusts, as gRPC finds it.
            trusted = variables(GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=self.authority.cert)
            self.assertEqual(self.data(*by, "--tls", env=trusted), expected)
            self.assertIn("trusts for that host", self.fail_with(3, "info", *by, "--tls"))
            self.assertIn("this client does not", self.fail_with(3, "info", *by))

    def test_every_command_speaks_tls(self):
        root_seed = self.write("root-seed", "r" * 32)
        os.chmod(root_seed, 0o400)
        manifest = self.write("model.yaml", "version: 1\nentries:\n- {name: a, tensor: {shape: [4]}}\n")
        with real_server(*self.tls, "--root-seed-file", root_seed) as server:
            by = ("--server", server.address, "--tls-ca", self.authority.cert)
            self.succeed("info", *by)
            self.succeed("describe", *TENSOR, *by)
            self.succeed("seed", "resolve", "name", *by)
            self.succeed("model", "plan", manifest, *by)
            self.succeed("model", "init", manifest, "-o", self.path("model.safetensors"), *by)

    def test_client_shows_its_certificate(self):
        cert, key = self.authority.issue("client", "DNS:trainer.example.org")
        with real_server(*self.tls, "--tls-client-ca", self.authority.cert, "--access-file",
                         self.write("access", "host describe san:dns:trainer.example.org\n")) as server:
            by = ("--server", server.address, "--tls-ca", self.authority.cert)
            self.succeed("info", *by, "--tls-cert", cert, "--tls-key", key)
            self.assertIn("the role generate",
                          self.fail_with(2, "init", *TENSOR, *by, "--tls-cert", cert, "--tls-key", key))
            self.assertIn("may want a client certificate", self.fail_with(3, "info", *by))
            self.assertIn("--tls-cert and --tls-key", self.fail_with(2, "info", *by, "--tls-cert", cert))

    def test_token_comes_from_a_file_or_the_environment(self):
        expected = self.data()
        with real_server(*self.access()) as server:
            by = ("--server", server.address)
            self.assertEqual(self.data(*by, "--token-file", self.write("token", TOKEN + "\n")), expected)
            self.assertEqual(self.data(*by, env=variables(WEIGHTINIT_TOKEN=TOKEN)), expected)
            self.assertIn("--token-file: \"", self.fail_with(2, "info", *by, "--token-file", self.write("none", "\n")))
            self.assertIn("show a token", self.fail_with(2, "info", *by))
            message = self.fail_with(2, "info", *by, env=variables(WEIGHTINIT_TOKEN="wrong-token"))
            self.assertIn("the token is not known", message)
            self.assertNotIn("wrong-token", message)

    def test_token_is_not_sent_where_it_could_be_read(self):
        by = ("--server", "192.0.2.1:50051", "--timeout", "0.2")
        token = variables(WEIGHTINIT_TOKEN=TOKEN)
        message = self.fail_with(2, "info", *by, env=token)
        self.assertIn("--allow-plaintext-token", message)
        self.assertNotIn(TOKEN, message)
        # Tried, and not reached.
        self.fail_with(3, "info", *by, "--allow-plaintext-token", env=token)

    def test_secrets_are_in_no_log(self):
        root_seed = self.write("root-seed", "the-root-seed-of-this-very-test-0")
        os.chmod(root_seed, 0o400)
        for log_format in "text", "json":
            log = self.path(f"log.{log_format}")
            with open(log, "wb") as stderr, \
                    real_server(*self.access("describe"), *self.tls, "--root-seed-file", root_seed, "--log-level", "debug",
                                "--log-format", log_format, stderr=stderr) as server:
                by = ("--server", server.address, "--tls-ca", self.authority.cert)
                for token in TOKEN, "another-token":
                    run = {"env": variables(WEIGHTINIT_TOKEN=token)}
                    self.fail_with(2, "init", *TENSOR, *by, **run)
                    self.fail_with(2, "seed", "resolve", "name", *by, **run)
                self.succeed("info", *by, env=variables(WEIGHTINIT_TOKEN=TOKEN))
                server.stop()
            with open(log, encoding="utf-8") as file:
                text = file.read()
            with open(self.key, encoding="ascii") as file:
                key = file.read().splitlines()[1]
            digest = hashlib.sha256(TOKEN.encode()).hexdigest()
            for secret in TOKEN, "another-token", digest, "the-root-seed", key:
                self.assertNotIn(secret, text)
            self.assertIn("PERMISSION_DENIED", text)
            self.assertIn("UNAUTHENTICATED", text)
            if log_format == "json":
                calls = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
                self.assertIn("trainer", {call.get("client") for call in calls})
            else:
                self.assertIn(" client=trainer ", text)


class ServerFlagsTest(SecurityTestCase):

    def refused(self, *arguments, environment=None):
        """What the server says that does not start."""
        done = subprocess.run([SERVER, "--listen", "127.0.0.1:0", *arguments], capture_output=True, text=True,
                              env=environment, timeout=60, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def probe(self, *arguments, status=0):
        done = subprocess.run([SERVER, *arguments], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, status, done.stderr)

    def test_bad_files_are_named_with_their_flag(self):
        expired, expired_key = self.authority.issue("expired", days=-1)
        for arguments, words in [
            (("--tls-cert", self.cert), "--tls-cert and --tls-key are given together"),
            (("--tls-cert", self.path("none"), "--tls-key", self.key), '--tls-cert: cannot read "'),
            (("--tls-cert", self.cert, "--tls-key", expired_key), '--tls-key: "'),
            (("--tls-cert", expired, "--tls-key", expired_key), "certificate 1 of the file has expired on "),
            ((*self.tls, "--tls-client-ca", self.key), '--tls-client-ca: "'),
            ((*self.tls, "--tls-client-certificate", "never"), "--tls-client-certificate"),
            (("--access-file", self.write("bad", "a admin token:a\n")), 'line 1: the role "admin" is none of describe'),
            (("--listen", "0.0.0.0:0", *self.access()), "--allow-plaintext-tokens"),
        ]:
            with self.subTest(arguments):
                self.assertIn(words, self.refused(*arguments))

    def test_old_versions_of_tls_are_refused(self):
        with real_server(*self.tls) as server:
            for version, accepted in ("tls1", False), ("tls1_1", False), ("tls1_2", True), ("tls1_3", True):
                with self.subTest(version):
                    # A client that would take any of them.
                    done = subprocess.run(
                        ["openssl", "s_client", "-connect", server.address, f"-{version}", "-cipher", "ALL:@SECLEVEL=0",
                         "-alpn", "h2"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
                    self.assertEqual(done.returncode == 0, accepted, done.stderr)
                    if not accepted:
                        # By the server; gRPC 1.51 just closes.
                        self.assertRegex(done.stderr, b"unexpected eof|alert protocol version")

    def test_flags_are_variables_too(self):
        self.assertIn("--tls-cert: cannot read", self.refused(environment=variables(
            WEIGHTINIT_SERVER_TLS_CERT="none", WEIGHTINIT_SERVER_TLS_KEY=self.key)))
        self.assertIn("--access-file: cannot read", self.refused(environment=variables(
            WEIGHTINIT_SERVER_ACCESS_FILE="none")))

    def test_health_is_asked_by_tls(self):
        socket = f"unix:{self.path('socket')}"
        with real_server(*self.tls, "--listen", socket, *self.access()) as server:
            tcp = server.address.split(",")[0]
            self.probe("--health-check", tcp, "--tls-ca", self.authority.cert)
            self.probe("--health-check", tcp, *self.tls)
            self.probe("--health-check", tcp, status=1)
            self.probe("--health-check", tcp, "--tls-ca", self.write("bad", "no"), status=1)
            # As the server's own variables say: by the socket, which needs no certificate.
            self.probe("--health-check", "--listen", tcp, "--listen", socket, *self.tls)

    def test_health_is_asked_with_the_certificate_of_the_server(self):
        with real_server(*self.tls, "--tls-client-ca", self.authority.cert) as server:
            self.probe("--health-check", server.address, *self.tls)
            self.probe("--health-check", server.address, "--tls-ca", self.authority.cert, status=1)


if __name__ == "__main__":
    unittest.main()
