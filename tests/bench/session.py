"""One run of the benchmark: its processes, and single figures taken with them."""

import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from processes import LineProcess, MeasurementError, ServerProcess, constant_server, throttle, weightinit_server

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "python"))
from certificates import Authority  # noqa: E402

SHIPPED_MODELS = HERE.parents[1] / "client" / "models"
# Of the model of MODEL_TENSORS equal bfloat16 matrices.
MODEL_TENSORS = 500
MODEL_COLUMNS = 1000
LINK_BYTES_PER_SECOND = 100e6


class Options:
    """How much is measured. Seconds and counts that do not change what a figure means, only how sure it is."""

    def __init__(self, quick=False, rounds=None):
        self.rounds = rounds or (2 if quick else 7)
        self.tensor_bytes = (16 if quick else 256) << 20
        self.file_bytes = (16 if quick else 1024) << 20
        self.model_bytes = (16 if quick else 2000) * 10**6
        self.link_model_bytes = (16 if quick else 600) * 10**6
        self.stored_model = SHIPPED_MODELS / "gpt2.yaml"
        self.many_tensors = 1000 if quick else 100_000
        self.fill_seconds = 0.02 if quick else 0.2
        self.stream_repeat = 1 if quick else 3
        self.small_count = 200 if quick else 5000
        self.slice_repeat = 5 if quick else 50
        self.idle_seconds = 0.5 if quick else 5.0
        self.idle_servers = 4 if quick else 20
        self.idle_samples = 8 if quick else 120
        self.stalled_streams = 8 if quick else 64


class Session:
    """Starts what a measurement needs when it is first needed; stops all of it at the end."""

    def __init__(self, binaries, peers_python, options):
        self.options = options
        self._binaries = pathlib.Path(binaries)
        self._peers_python = peers_python
        self._stack = contextlib.ExitStack()
        self._started = {}
        self.versions = {}
        self.compiler = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _once(self, key, start):
        """What start() returned, or raised, the first time."""
        if key not in self._started:
            try:
                self._started[key] = start()
            except MeasurementError as error:
                self._started[key] = error
        if isinstance(self._started[key], MeasurementError):
            raise self._started[key]
        return self._started[key]

    # The core, in a process for each figure, so that the peer can run between two of them.

    def simd_targets(self):
        command = [self._binaries / "weightinit-bench-core", "--list_targets"]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()

    def core(self, simd_target, case, memory_bytes=None):
        """The result of Google Benchmark for one case, for example "whole/normal_f32"."""
        command = [self._binaries / "weightinit-bench-core", f"--benchmark_filter=^{case}/", "--benchmark_format=json",
                   f"--benchmark_min_time={self.options.fill_seconds}", f"--memory_bytes={memory_bytes or self.options.tensor_bytes}"]
        finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env={**os.environ, "WEIGHTINIT_TARGET": simd_target})
        # Where no case has the name, it says so and exits with 0.
        if finished.returncode != 0 or not finished.stdout:
            raise MeasurementError(f"weightinit-bench-core, {case}: {finished.stderr.strip()}")
        result = json.loads(finished.stdout)
        context, benchmarks = result["context"], result["benchmarks"]
        if context["simd_target"] != simd_target:
            raise MeasurementError(f"{context['simd_target']} ran in place of {simd_target}")
        if len(benchmarks) != 1 or benchmarks[0].get("error_occurred"):
            raise MeasurementError(f"{case}: {benchmarks}")
        self.compiler = context["compiler"]
        return benchmarks[0]

    # Libraries.

    def _peer(self, name):
        def start():
            peer = self._stack.enter_context(LineProcess(
                [self._peers_python, "-B", HERE / "peers.py", name, self.options.tensor_bytes]))
            hello = json.loads(peer.read_line())
            if "error" in hello:
                raise MeasurementError(hello["error"])
            self.versions["pyarrow" if name == "flight" else name] = hello["version"]
            return peer
        return self._once(("peer", name), start)

    def peer(self, name, kernel):
        """{variant: seconds of one fill of the memory}."""
        return self._peer(name).ask(kernel=kernel, seconds=self.options.fill_seconds)["seconds"]

    def package_seconds(self, simd_target, kernel):
        """Seconds of one call of the Python package."""
        def start():
            process = self._stack.enter_context(LineProcess(
                [self._peers_python, "-B", HERE / "package_process.py", self.options.tensor_bytes, simd_target]))
            hello = json.loads(process.read_line())
            if "error" in hello:
                raise MeasurementError(hello["error"])
            if hello["simd_target"] != simd_target:
                raise MeasurementError(f"the package runs {hello['simd_target']} in place of {simd_target}")
            return process
        process = self._once(("package", simd_target), start)
        return process.ask(kernel=kernel, seconds=self.options.fill_seconds)["seconds"]

    def flight(self):
        peer = self._peer("flight")
        server = self._once("flight server", lambda: self._stack.enter_context(ServerProcess(
            [self._peers_python, "-B", HERE / "peers.py", "flight-server", self.options.tensor_bytes])))
        return peer.ask(kernel="do_get", address=server.address, seconds=self.options.fill_seconds)["seconds"]

    # Files.

    @contextlib.contextmanager
    def _file(self, name="weight.npy"):
        """The path of a file that does not exist yet: in memory, where there is room."""
        room = pathlib.Path("/dev/shm")
        in_memory = room.is_dir() and shutil.disk_usage(room).free > 2 * self.options.file_bytes
        with tempfile.TemporaryDirectory(prefix="weightinit-bench-", dir=room if in_memory else None) as directory:
            yield pathlib.Path(directory) / name

    def _file_throughput(self, command):
        """GB/s of a process that writes a file and nothing else; command(path) is what runs."""
        with self._file() as path:
            start = time.perf_counter()
            finished = subprocess.run(command(path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            seconds = time.perf_counter() - start
            if finished.returncode != 0:
                raise MeasurementError(f"{command(path)[0]}: {finished.stderr.strip()}")
            if path.stat().st_size < self.options.file_bytes:
                raise MeasurementError(f"{command(path)[0]} wrote {path.stat().st_size} bytes")
        return self.options.file_bytes / seconds / 1e9

    def init_throughput(self, simd_target, row_elements):
        """GB/s of `weightinit init` of a He-normal matrix, on all cores."""
        rows = self.options.file_bytes // 4 // row_elements
        return self._file_throughput(lambda path: [
            self._binaries / "weightinit", "--simd-target", simd_target, "init", "--shape", f"{rows}x{row_elements}",
            "--scheme", "he_normal", "--activation", "relu", "-o", path])

    def raw_write_throughput(self):
        """GB/s of a loop that writes a ready block, on as many threads."""
        threads = len(os.sched_getaffinity(0))
        return self._file_throughput(lambda path: [
            self._binaries / "weightinit-bench-raw-write", path, str(self.options.file_bytes), str(threads)])

    def saved_throughput(self, row_elements):
        """GB/s of torch.nn.init.kaiming_normal_ and numpy.save."""
        with self._file() as path:
            answer = self._peer("torch").ask(kernel="kaiming_file", seconds=0, path=str(path),
                                             rows=self.options.file_bytes // 4 // row_elements)
        return self.options.file_bytes / answer["seconds"]["kaiming_normal_, save"] / 1e9

    # Streams.

    def _client(self):
        return self._once("client", lambda: self._stack.enter_context(LineProcess(
            [self._binaries / "weightinit-bench-stream", self.options.tensor_bytes])))

    def _check_target(self, address, simd_target):
        info = self._client().ask(measure="info", address=address)
        self.versions.update(weightinit=info["version"], grpc=info["grpc"])
        if info["simd_target"] != simd_target:
            raise MeasurementError(f"the server runs {info['simd_target']} in place of {simd_target}")

    def server(self, simd_target):
        """The address of our server."""
        def start():
            server = self._stack.enter_context(weightinit_server(self._binaries, simd_target))
            self._check_target(server.address, simd_target)
            return server
        return self._once(("server", simd_target), start).address

    def tls_server(self, simd_target):
        """The address of one of ours that speaks TLS, and the file of the certificate that it is to be trusted for."""
        def start():
            try:
                authority = Authority(self._stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="weightinit-bench-")))
                cert, key = authority.issue("server")
            except (OSError, subprocess.CalledProcessError) as error:
                raise MeasurementError(f"openssl makes no certificates: {error}") from error
            # Not asked which instructions it runs, which goes unencrypted.
            server = self._stack.enter_context(weightinit_server(
                self._binaries, simd_target, "--tls-cert", cert, "--tls-key", key))
            return server.address, authority.cert
        return self._once(("tls server", simd_target), start)

    def constant_server(self):
        """The address of the server that sends one constant buffer."""
        return self._once("constant", lambda: self._stack.enter_context(constant_server(self._binaries))).address

    def _stream(self, measure, address, request, expected_bytes, **more):
        answer = self._client().ask(measure=measure, address=address, request=request, **more)
        if answer["bytes"] != expected_bytes:
            raise MeasurementError(f"{answer['bytes']} bytes came, and not {expected_bytes}")
        return answer["seconds"]

    def raw_throughput(self, address, request, streams=1):
        """GB/s of one stream, or of several at once."""
        size = self.options.tensor_bytes * streams
        # Several streams take the time of several repetitions as it is.
        repeat = self.options.stream_repeat if streams == 1 else 1
        seconds = self._stream("raw", address, request, size, streams=streams, repeat=repeat)
        return size * len(seconds) / sum(seconds) / 1e9

    def client_throughput(self, address, request, **more):
        """GB/s of WeightClient::Fetch."""
        size = self.options.tensor_bytes
        seconds = self._stream("client", address, request, size, repeat=self.options.stream_repeat, **more)
        return size * len(seconds) / sum(seconds) / 1e9

    def delivery_milliseconds(self, address, request, size):
        """The median time of one small delivery."""
        seconds = self._stream("raw", address, request, size, repeat=self.options.slice_repeat)
        return statistics.median(seconds) * 1e3

    def requests_per_second(self, address, request, size, in_flight):
        count = self.options.small_count
        seconds = self._stream("small", address, request, size * count, count=count, in_flight=in_flight)
        return count / seconds[0]

    def first_byte_milliseconds(self, simd_target, request):
        """Samples of the time to the first chunk, each from a server that was idle."""
        options = self.options
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(weightinit_server(self._binaries, simd_target))
                       for _ in range(options.idle_servers)]
            for server in servers:
                self._check_target(server.address, simd_target)
            answer = self._client().ask(
                measure="first_byte", addresses=[server.address for server in servers], request=request,
                idle_seconds=options.idle_seconds, count=options.idle_samples)
        return [seconds * 1e3 for seconds in answer["seconds"]]

    # Models.

    def _manifest(self, name, model):
        """The path of a manifest, written when it is first needed."""
        def write():
            path = pathlib.Path(self._once("manifests", lambda: self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix="weightinit-bench-")))) / f"{name}.json"
            path.write_text(json.dumps(model), encoding="utf-8")
            return path
        return self._once(("manifest", name), write)

    @staticmethod
    def model_of(tensors, rows, columns, **more):
        """Equal normal matrices in bfloat16, as a manifest."""
        return {"version": 1, "defaults": {"dtype": "DTYPE_BFLOAT16"}, "entries": [
            {"name": "w.{i}", "repeat": [{"index": "i", "count": tensors}],
             "tensor": {"shape": [rows, columns], "scheme": "SCHEME_NORMAL", **more}}]}

    def _even_manifest(self, size):
        """The model of so many bytes, rounded down to whole rows; and its size."""
        rows = size // (2 * MODEL_TENSORS * MODEL_COLUMNS)
        manifest = self._manifest(f"even-{rows}", self.model_of(MODEL_TENSORS, rows, MODEL_COLUMNS))
        return manifest, 2 * MODEL_TENSORS * rows * MODEL_COLUMNS

    def _model_process(self, simd_target, memory_bytes):
        return LineProcess([self._binaries / "weightinit-bench-model", memory_bytes],
                           {"WEIGHTINIT_TARGET": simd_target})

    def _check_bytes(self, answer, size):
        if answer["bytes"] != size:
            raise MeasurementError(f"{answer['bytes']} bytes came, and not {size}")

    def _fetch_model(self, simd_target, address, repeat):
        """(GB/s, peak memory beside the buffers in bytes) of WeightClient::FetchModel in a process of its own."""
        manifest, size = self._even_manifest(self.options.model_bytes)
        memory_bytes = size + 64 * MODEL_TENSORS
        with self._model_process(simd_target, memory_bytes) as process:
            answer = process.ask(measure="model", manifest=str(manifest), address=address, repeat=repeat)
            self._check_bytes(answer, size)
            _, peak = process.memory()
        return size * repeat / sum(answer["seconds"]) / 1e9, peak - memory_bytes

    def local_model_throughput(self, simd_target):
        """GB/s of a model into buffers, computed in the process on all cores."""
        return self._fetch_model(simd_target, "", self.options.stream_repeat)[0]

    def core_throughput_of_all_cores(self, simd_target):
        """GB/s of the core on one thread into as much memory, times the cores."""
        result = self.core(simd_target, "whole/normal_bf16", self.options.model_bytes)
        return result["bytes_per_second"] * len(os.sched_getaffinity(0)) / 1e9

    def served_model_throughput(self, simd_target):
        """GB/s of a model into buffers, from one server."""
        return self._fetch_model(simd_target, self.server(simd_target), 1)[0]

    def served_tensor_throughput(self, simd_target):
        """GB/s of one tensor as large as that model into as much memory, from the same server."""
        _, size = self._even_manifest(self.options.model_bytes)
        with self._model_process(simd_target, size) as process:
            answer = process.ask(measure="tensor", elements=size // 2, address=self.server(simd_target))
            self._check_bytes(answer, size)
        return size / sum(answer["seconds"]) / 1e9

    def client_bytes_beside_buffers(self, simd_target, served):
        """Peak memory of a whole process that fetches a model, less its buffers."""
        return self._fetch_model(simd_target, self.server(simd_target) if served else "", 1)[1]

    def plan_milliseconds(self, simd_target, manifest):
        """Samples of WeightClient::DescribeModel in the process, without reading the manifest."""
        with self._model_process(simd_target, 1) as process:
            answer = process.ask(measure="describe", manifest=str(manifest), repeat=self.options.rounds + 1)
        return [seconds * 1e3 for seconds in answer["seconds"][1:]]

    def command_milliseconds(self, simd_target, *arguments):
        """Of a process `weightinit`, from its start to its end."""
        return self._run([self._binaries / "weightinit", "--simd-target", simd_target, *arguments]) * 1e3

    def many_tensors_manifest(self):
        return self._manifest("many", self.model_of(self.options.many_tensors, 8, 8))

    @staticmethod
    def _run(command):
        """Seconds from the start of a process to its end."""
        start = time.perf_counter()
        finished = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - start
        if finished.returncode != 0:
            raise MeasurementError(f"{command[0]}: {finished.stderr.strip()}")
        return seconds

    def _model_file_seconds(self, simd_target, manifest, size, *options):
        """Seconds of the process `weightinit model init`, which writes at least so many bytes."""
        with self._file("model.safetensors") as path:
            seconds = self._run([self._binaries / "weightinit", "--simd-target", simd_target, "model", "init",
                                 manifest, "-o", path, *options])
            if path.stat().st_size < size:
                raise MeasurementError(f"weightinit wrote {path.stat().st_size} bytes")
        return seconds

    def stored_model_seconds(self, simd_target):
        return self._model_file_seconds(simd_target, self.options.stored_model, 1)

    def saved_model_seconds(self):
        """Seconds of torch and safetensors for GPT-2 small, once both are imported."""
        with self._file("model.safetensors") as path:
            answer = self._peer("torch").ask(kernel="gpt2_file", seconds=0, path=str(path))
        return answer["seconds"]

    def replicas_throughput(self, simd_target, count):
        """GB/s of `weightinit model init` from so many servers, each behind a slow link."""
        def start(number):
            server = self._stack.enter_context(weightinit_server(self._binaries, simd_target))
            return self._stack.enter_context(throttle(self._binaries, server.address, LINK_BYTES_PER_SECOND))
        links = [self._once(("link", simd_target, number), lambda number=number: start(number))
                 for number in range(count)]
        manifest, size = self._even_manifest(self.options.link_model_bytes)
        parallel = ["--parallel", str(count)] if count > 1 else []
        return size / self._model_file_seconds(simd_target, manifest, size, "--server",
                                               ",".join(link.address for link in links), *parallel) / 1e9

    def bytes_per_stalled_stream(self, simd_target, request, warm_up_request, model=False):
        """How much the peak memory of a fresh server grows for each stream that its client does not read.

        `request` is for a tensor, or for a model.
        """
        streams = self.options.stalled_streams
        client = self._client()
        with weightinit_server(self._binaries, simd_target) as server:
            self._check_target(server.address, simd_target)
            client.ask(measure="raw", address=server.address, request=warm_up_request)
            before, _ = server.memory()
            client.ask(measure="stall", address=server.address, request=request, streams=streams, model=model)
            peak = self._settled_peak(server)
            client.ask(measure="release")
        return (peak - before) / streams

    @staticmethod
    def _settled_peak(server):
        """The peak once it has grown by less than 256 KiB in half a second.

        AddressSanitizer keeps what is freed for a while, so that there it never stands still.
        """
        _, peak = server.memory()
        for _ in range(20):
            time.sleep(0.5)
            _, now = server.memory()
            if now - peak < 256 << 10:
                return now
            peak = now
        raise MeasurementError("the server's memory did not stop growing within 10 s")


def progress(text):
    print(text, file=sys.stderr, flush=True)
