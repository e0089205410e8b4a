"""Certificates that change under traffic, and every way to show a wrong credential."""

import hashlib
import os
import pathlib
import socket
import ssl
import sys
import tempfile
import threading
import time
import unittest

import grpc
from calls import HEALTH, INITIALIZE, SERVICE, SERVING, request
from figures import milliseconds, note, sized, timed
from server_process import ServerProcess, soon

from weightinit import _messages

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
from certificates import Authority  # noqa: E402

ROTATIONS = 100
# Between two of them; the server looks once a second.
PAUSE = sized(0.05, 1.5)

TENSOR = request((256,))
NAMED = _messages.InitializeTensorRequest.FromString(TENSOR)
NAMED.seed_name = "name"
NAMED = NAMED.SerializeToString()
RESOLVE = _messages.ResolveSeedRequest(seed_name="name").SerializeToString()


def read(path):
    return pathlib.Path(path).read_bytes() if path else None


class SecurityTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="weightinit-security-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.authority = Authority(self.directory)
        self.cert, self.key = self.authority.issue("server")
        self.tls = ("--tls-cert", self.cert, "--tls-key", self.key)

    def write(self, name, text):
        """Writes a file in one moment; returns its path."""
        path = os.path.join(self.directory, name)
        pathlib.Path(path + ".next").write_text(text, encoding="ascii")
        os.replace(path + ".next", path)
        return path

    def channel(self, server, ca=None, cert=None, key=None):
        """A connection of its own by TLS."""
        credentials = grpc.ssl_channel_credentials(read(ca or self.authority.cert), read(key), read(cert))
        return grpc.secure_channel(server.address, credentials, [("grpc.use_local_subchannel_pool", 1)])

    def code(self, connection, method, message=b"", token=None, stream=False):
        """How a call ends."""
        metadata = [("authorization", f"Bearer {token}")] if token else None
        try:
            if stream:
                list(connection.unary_stream(method)(message, timeout=20, metadata=metadata))
            else:
                connection.unary_unary(method)(message, timeout=20, metadata=metadata)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    def shown(self, server):
        """The certificate that the server shows to a new connection."""
        context = ssl.create_default_context(cafile=self.authority.cert)
        context.set_alpn_protocols(["h2"])
        with socket.create_connection((server.host, server.port)) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as secure:
            return secure.getpeercert(binary_form=True)

    def is_shown(self, server, cert):
        return self.shown(server) == ssl.PEM_cert_to_DER_cert(read(cert).decode())

    def test_certificates_change_under_traffic(self):
        failures, seconds, over = [], [], threading.Event()
        with ServerProcess(*self.tls) as server, self.channel(server) as lasting:
            def call(connection):
                code = self.code(connection, INITIALIZE, TENSOR, stream=True)
                if code != grpc.StatusCode.OK:
                    failures.append(code)

            def connect():
                with self.channel(server) as connection:
                    call(connection)

            def repeat(action):
                while not over.is_set():
                    seconds.append(timed(action))

            threads = [threading.Thread(target=repeat, args=(action,))
                       for action in (connect, connect, lambda: call(lasting))]
            for thread in threads:
                thread.start()
            distinct = set()
            try:
                for _ in range(ROTATIONS):
                    before = read(self.cert)
                    self.authority.issue("server")
                    self.assertNotEqual(read(self.cert), before)
                    distinct.add(self.shown(server))
                    time.sleep(PAUSE)
                came, seconds_of = soon(lambda: self.is_shown(server, self.cert))
            finally:
                over.set()
                for thread in threads:
                    thread.join()
            self.assertTrue(came)
            self.assertEqual(failures, [])
            self.assertGreater(len(distinct), 3)
            self.assertTrue(server.alive())
            note("rotations", f"{ROTATIONS} rotations, {len(distinct)} certificates seen, {len(seconds)} RPCs, 0 failed "
                 f"({milliseconds(seconds)}); the last one in use after {seconds_of:.1f} s")

    def test_files_that_cannot_be_used_change_nothing(self):
        expired, expired_key = self.authority.issue("expired", days=-1)
        log = os.path.join(self.directory, "log")
        with open(log, "wb") as stderr, ServerProcess(*self.tls, stderr=stderr) as server:
            first = self.shown(server)

            def keeps(reason, count):
                reported = soon(lambda: pathlib.Path(log).read_text(encoding="utf-8").count("stay in use") == count)[0]
                self.assertTrue(reported, reason)
                self.assertIn(reason, pathlib.Path(log).read_text(encoding="utf-8"))
                self.assertEqual(self.shown(server), first)
                with self.channel(server) as connection:
                    self.assertEqual(self.code(connection, HEALTH), grpc.StatusCode.OK)

            whole = read(self.cert).decode()
            self.write("server.pem", whole[:len(whole) // 2])
            keeps("cannot be read", 1)
            self.write("server.key", read(expired_key).decode())
            self.write("server.pem", read(expired).decode())
            keeps("has expired on", 2)
            os.remove(self.key)
            keeps("--tls-key: cannot read", 3)
            self.authority.issue("server")
            self.assertTrue(soon(lambda: self.is_shown(server, self.cert))[0])
            note("bad certificates", "truncated, expired and missing files: the one before stays, 0 failed")

    def test_only_those_with_a_trusted_certificate_come_in(self):
        other = Authority(self.directory, "other")
        mine, mine_key = self.authority.issue("mine", "DNS:trainer.example.org")
        foreign, foreign_key = other.issue("foreign", "DNS:trainer.example.org")
        expired, expired_key = self.authority.issue("old", "DNS:trainer.example.org", days=-1)
        with ServerProcess(*self.tls, "--tls-client-ca", self.authority.cert) as server:
            for name, arguments, expected in [
                ("own", {"cert": mine, "key": mine_key}, grpc.StatusCode.OK),
                ("none", {}, grpc.StatusCode.UNAVAILABLE),
                ("of another authority", {"cert": foreign, "key": foreign_key}, grpc.StatusCode.UNAVAILABLE),
                ("expired", {"cert": expired, "key": expired_key}, grpc.StatusCode.UNAVAILABLE),
                ("own, another server wanted", {"cert": mine, "key": mine_key, "ca": other.cert},
                 grpc.StatusCode.UNAVAILABLE),
            ]:
                with self.subTest(name), self.channel(server, **arguments) as connection:
                    self.assertEqual(self.code(connection, HEALTH), expected)
            with grpc.insecure_channel(server.address) as connection:
                self.assertEqual(self.code(connection, HEALTH), grpc.StatusCode.UNAVAILABLE)
            self.assertTrue(server.alive())
            note("client certificates", "none, foreign, expired, wrong authority, plaintext: UNAVAILABLE; own: OK")

    def test_each_token_may_do_what_its_roles_say(self):
        secrets = {role: f"secret-token-of-{role}" for role in ("describe", "generate", "seed")}

        def lines(tokens):
            return "".join(f"{role} {role} sha256:{hashlib.sha256(token.encode()).hexdigest()}\n"
                           for role, token in tokens.items())

        access = self.write("access", lines(secrets))
        root_seed = self.write("root-seed", "the-root-seed-of-this-very-test-0")
        os.chmod(root_seed, 0o400)
        ok, denied, unknown = (grpc.StatusCode.OK, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
        calls = [
            ("describe", SERVICE + "GetServerInfo", b"", False),
            ("describe", SERVICE + "DescribeTensor", TENSOR, False),
            ("generate", INITIALIZE, TENSOR, True),
            ("seed", SERVICE + "ResolveSeed", RESOLVE, False),
            ("both", INITIALIZE, NAMED, True),
        ]
        log = os.path.join(self.directory, "log")
        asked = 0
        with open(log, "wb") as stderr, \
                ServerProcess(*self.tls, "--access-file", access, "--root-seed-file", root_seed, log_level="debug",
                              stderr=stderr) as server, self.channel(server) as connection:
            def expect(token, roles):
                nonlocal asked
                for role, method, message, stream in calls:
                    wanted = unknown if roles is None else ok if role in roles else denied
                    with self.subTest(token=token, method=method, role=role):
                        self.assertEqual(self.code(connection, method, message, token, stream), wanted)
                    asked += 1
                self.assertEqual(connection.unary_unary(HEALTH)(b""), SERVING)

            expect(None, None)
            expect("wrong-secret-token", None)
            for role, token in secrets.items():
                expect(token, {role})
            # Another token from now on.
            secrets["describe"] = "later-secret-token"
            old, new = "secret-token-of-describe", secrets["describe"]
            self.write("access", lines(secrets))
            info = SERVICE + "GetServerInfo"
            self.assertTrue(soon(lambda: self.code(connection, info, token=new) == ok)[0])
            expect(new, {"describe"})
            expect(old, None)
            # One that cannot be used leaves everything as it was.
            self.write("access", "describe all\n")
            self.assertTrue(soon(lambda: b"stay in use" in read(log))[0])
            expect(new, {"describe"})
            server.terminate()
        text = read(log).decode()
        for secret in ("secret-token", "the-root-seed", *(
                hashlib.sha256(token.encode()).hexdigest() for token in secrets.values())):
            self.assertNotIn(secret, text)
        self.assertIn("client=generate", text)
        note("tokens", f"{asked} calls with no, wrong, right, replaced and other tokens: right code each; no secret in the log")


if __name__ == "__main__":
    unittest.main()
