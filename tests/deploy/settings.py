"""Settings of the server, as deployments give them, put before the server itself."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
WORK = pathlib.Path(os.environ["WEIGHTINIT_DEPLOY"])
SERVER = pathlib.Path(os.environ["WEIGHTINIT_BINARIES"]) / "weightinit-server"
TOOLS = WORK / "bin" / "weightinit-deploy-tools"
KUSTOMIZE = WORK / "bin" / "kustomize"

# A SHA-256 of nothing in particular.
ACCESS = "team generate sha256:" + "5e" * 32 + "\n"


def run(*command, **options):
    """The finished process; its output as text."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=120, **options)


def known_variables():
    """The environment variables that the server reads."""
    return set(re.findall(r"WEIGHTINIT_[A-Z_]+", run(SERVER, "--help").stdout))


def make_files(directory):
    """The files that settings may name, by what their last folder is called."""
    certificate = directory / "tls.crt"
    key = directory / "tls.key"
    made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=weightinit", "-addext", "subjectAltName=DNS:weightinit", "-keyout", key, "-out", certificate)
    assert made.returncode == 0, made.stderr
    (directory / "ca.crt").write_bytes(certificate.read_bytes())
    (directory / "root-seed").write_text("f0" * 32 + "\n")
    (directory / "access").write_text(ACCESS)
    for file in directory.iterdir():
        file.chmod(0o600)


def environment_of(variables, files):
    """The environment with these settings. A file that they name is taken from `files`, where it has the same name."""
    environment = {"PATH": os.environ["PATH"]}
    for name, value in variables.items():
        path = files / pathlib.PurePath(value).name
        environment[name] = str(path) if value.startswith("/etc/") else value
    return environment


def check(variables, files, *arguments):
    """What the server says of settings."""
    return run(SERVER, "--check-config", *arguments, env=environment_of(variables, files))
