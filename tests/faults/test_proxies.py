"""Real proxies in front of the server, with the configurations of docker/proxies: every byte comes through, and a server that is
killed behind them is gone on from."""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from figures import note, sized
from server_process import CLI, ROOT, ServerProcess, soon

CONFIGURATIONS = ROOT / "docker" / "proxies"
# What is asked for, beside a model.
SHAPE = sized("4096x4096", "16384x4096")
MODEL = {"version": 1, "defaults": {"activation": "relu"},
         "entries": [{"name": f"layer{i}", "dense": {"in_features": 512, "out_features": 512}} for i in range(8)]}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextlib.contextmanager
def proxy(name, command, server_port):
    """The address of a proxy, with its configuration for other ports."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="weightinit-proxy-") as directory:
        [shipped] = CONFIGURATIONS.glob(f"{name}.*")
        text = shipped.read_text(encoding="utf-8").replace("50051", str(server_port)).replace("50052", str(port))
        configuration = pathlib.Path(directory) / shipped.name
        configuration.write_text(text, encoding="utf-8")
        # Debian has them where only root looks.
        program = shutil.which(command[0], path="/usr/sbin:/usr/bin")
        if program is None:
            raise RuntimeError(f"{command[0]} is not installed")
        arguments = [each.format(file=configuration, directory=directory) for each in command[1:]]
        with open(pathlib.Path(directory) / "log", "w+", encoding="utf-8") as log:
            process = subprocess.Popen([program, *arguments], stdout=log, stderr=log, cwd=directory)
            try:
                def listens():
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                        return True
                    if process.poll() is not None:
                        log.seek(0)
                        raise RuntimeError(f"{name} ended: {log.read()}")
                    return False
                if not soon(listens)[0]:
                    raise RuntimeError(f"{name} does not listen")
                yield f"127.0.0.1:{port}"
            finally:
                process.terminate()
                process.wait(30)


PROXIES = {
    "nginx": ("nginx", "-e", "stderr", "-c", "{file}", "-p", "{directory}", "-g", "daemon off; pid {directory}/pid;"),
    "haproxy": ("haproxy", "-db", "-f", "{file}"),
    "nghttpx": ("nghttpx", "--conf={file}", "--no-ocsp"),
}


class ProxiesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="weightinit-faults-")))
        (cls.directory / "model.json").write_text(json.dumps(MODEL), encoding="utf-8")
        cls.tensor = cls.run_command("init", "--shape", SHAPE, "--activation", "relu", "--seed", "7")
        cls.model = cls.run_command("model", "init", cls.directory / "model.json", "--seed", "7", suffix="safetensors")

    @classmethod
    def run_command(cls, *arguments, suffix="bin"):
        """The file that the command writes."""
        output = cls.directory / f"made.{suffix}"
        subprocess.run([CLI, *arguments, "-o", output], check=True, timeout=120, stdout=subprocess.DEVNULL)
        content = output.read_bytes()
        output.unlink()
        return content

    def test_every_byte_comes_through(self):
        for name, command in PROXIES.items():
            with self.subTest(name), ServerProcess() as server, proxy(name, command, server.port) as address:
                remote = ("--server", address, "--seed", "7")
                self.assertEqual(self.run_command("init", "--shape", SHAPE, "--activation", "relu", *remote), self.tensor)
                self.assertEqual(self.run_command("model", "init", self.directory / "model.json", *remote,
                                                  suffix="safetensors"), self.model)
                note("proxies", f"{name}: a tensor of {len(self.tensor) >> 20} MiB and a model, all bytes equal")

    def test_server_that_is_killed_behind_one_is_gone_on_from(self):
        for name, command in PROXIES.items():
            with self.subTest(name), contextlib.ExitStack() as stack:
                server = stack.enter_context(ServerProcess())
                address = stack.enter_context(proxy(name, command, server.port))
                output = self.directory / "made.bin"
                arguments = [CLI, "init", "--shape", SHAPE, "--activation", "relu", "--seed", "7", "--server", address,
                             "--resume", "-o", output]
                transfer = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                partial = output.with_name("made.bin.partial")
                self.assertTrue(soon(lambda partial=partial, transfer=transfer: transfer.poll() is not None
                                     or (partial.exists() and partial.stat().st_size > 0))[0])
                server.kill()
                stack.enter_context(ServerProcess(address=server.address))
                transfer.wait(120)
                # It may have given up before the server, or the proxy's own patience, was over.
                for _ in range(20):
                    if output.exists():
                        break
                    subprocess.run(arguments, timeout=120, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.assertEqual(output.read_bytes(), self.tensor)
                output.unlink()


if __name__ == "__main__":
    unittest.main()
