"""The libraries that weightinit is compared with, each in a process of its own.

usage: peers.py torch|numpy|mkl|flight BYTES     measures on request
       peers.py flight-server BYTES              serves a ready-made array

Runs in the virtual environment that script/bench makes. A measuring process prints {"version": ...}, then answers each
line {"kernel": NAME, "seconds": S, ...} with {"seconds": {VARIANT: seconds of one call}}: the mean of as many calls as
take S seconds, at least one. All kernels fill the same memory of BYTES bytes, on one thread, and allocate nothing; but for torch's kaiming_file and
gpt2_file, which make tensors of their own, on all cores, and save them to a new file, and gpt2_module, which
initialises the parameters of a module, on all cores.
"""

import ctypes
import importlib.metadata
import json
import mmap
import os
import pathlib
import sys
import time

# float32 elements in a row of the matrix that kaiming_normal_ gets; its fan_in.
ROW_ELEMENTS = 4096
# Rows and columns of the orthogonal matrices, as in core_bench.cc.
SMALL_SIDE = 1024
LARGE_SIDE = 4096
FLIGHT_BATCH_BYTES = (256 << 10, 1 << 20, 4 << 20, 16 << 20)


def large_side(memory_bytes):
    """LARGE_SIDE, or as many rows and columns as fit the memory."""
    side = LARGE_SIDE
    while side * side * 4 > memory_bytes:
        side //= 2
    return side


def touched_memory(size):
    """Memory as tests/bench/touched_memory.cc makes it: all pages there, huge where possible."""
    memory = mmap.mmap(-1, size)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            memory.madvise(mmap.MADV_HUGEPAGE)
        except OSError:
            pass  # A system without huge pages.
    memory.write(b"\1" * size)
    return memory


def gpt2_parameters(torch):
    """The 148 parameters of GPT-2 small, each made once, as transformers initialises them at last."""
    width, layers = 768, 12
    parameters = {}

    def normal(name, *shape, std=0.02):
        parameters[f"transformer.{name}"] = torch.nn.init.normal_(torch.empty(shape), std=std)

    def constant(name, size, value):
        parameters[f"transformer.{name}"] = torch.nn.init.constant_(torch.empty(size), value)

    def layer_norm(name):
        constant(f"{name}.weight", width, 1.0)
        constant(f"{name}.bias", width, 0.0)

    normal("wte.weight", 50257, width)
    normal("wpe.weight", 1024, width)
    for layer in range(layers):
        block = f"h.{layer}"
        layer_norm(f"{block}.ln_1")
        layer_norm(f"{block}.ln_2")
        for name, inputs, outputs in (("attn.c_attn", width, 3 * width), ("attn.c_proj", width, width),
                                      ("mlp.c_fc", width, 4 * width), ("mlp.c_proj", 4 * width, width)):
            std = 0.02 / (2 * layers) ** 0.5 if name.endswith("c_proj") else 0.02
            normal(f"{block}.{name}.weight", inputs, outputs, std=std)
            constant(f"{block}.{name}.bias", outputs, 0.0)
    layer_norm("ln_f")
    return parameters


def gpt2_module():
    """The module of transformers, which downloads nothing."""
    import transformers
    return transformers.GPT2LMHeadModel(transformers.GPT2Config())


class TorchPeer:
    def __init__(self, memory):
        import numpy  # What saves is imported before anything is timed.
        import torch
        self._numpy = numpy
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        self.version = torch.__version__
        try:
            import safetensors.torch
            self._save_file = safetensors.torch.save_file
            self.version += f" (safetensors {importlib.metadata.version('safetensors')})"
        except ImportError:
            self._save_file = None
        f32 = torch.frombuffer(memory, dtype=torch.float32)
        bf16 = torch.frombuffer(memory, dtype=torch.bfloat16)
        f64 = torch.frombuffer(memory, dtype=torch.float64)
        matrix = f32.view(-1, ROW_ELEMENTS)
        init = torch.nn.init
        small = f32[:SMALL_SIDE * SMALL_SIDE].view(SMALL_SIDE, SMALL_SIDE)
        side = large_side(len(memory))
        large = f32[:side * side].view(side, side)
        self.kernels = {
            "normal_f32": {"normal_": f32.normal_},
            "uniform_f32": {"uniform_": f32.uniform_},
            "truncated_f32": {"trunc_normal_": lambda: init.trunc_normal_(f32, mean=0.0, std=1.0, a=-2.0, b=2.0)},
            "normal_bf16": {"normal_": bf16.normal_},
            "normal_f64": {"normal_": f64.normal_},
            "kaiming_f32": {"kaiming_normal_": lambda: init.kaiming_normal_(matrix)},
            "orthogonal_small": {"orthogonal_": lambda: init.orthogonal_(small)},
            "orthogonal_large": {"orthogonal_": lambda: init.orthogonal_(large)},
        }
        self._torch = torch
        self._gpt2 = None

    def variants(self, command):
        if command["kernel"] == "gpt2_module":
            return {"_init_weights": self._gpt2_initialisation()}
        if command["kernel"] == "kaiming_file":
            return {"kaiming_normal_, save": lambda: self._on_all_cores(self._save, command["rows"], command["path"])}
        if command["kernel"] == "gpt2_file":
            if self._save_file is None:
                raise RuntimeError("safetensors is not installed")
            return {"normal_, save_file": lambda: self._on_all_cores(self._save_gpt2, command["path"])}
        return self.kernels[command["kernel"]]

    def _on_all_cores(self, function, *arguments):
        self._torch.set_num_threads(len(os.sched_getaffinity(0)))
        try:
            function(*arguments)
        finally:
            self._torch.set_num_threads(1)

    def _gpt2_initialisation(self):
        """What the module does to all its parts when it is made."""
        try:
            module = self._gpt2 = self._gpt2 or gpt2_module()
        except ImportError as error:
            raise RuntimeError(f"transformers is not installed: {error}") from error
        return lambda: self._on_all_cores(module.apply, module._init_weights)

    def _save(self, rows, path):
        weight = self._torch.empty(rows, ROW_ELEMENTS)
        self._torch.nn.init.kaiming_normal_(weight)
        self._numpy.save(path, weight.numpy())

    def _save_gpt2(self, path):
        parameters = gpt2_parameters(self._torch)
        self._save_file(parameters, path, metadata={"format": "pt"})


class NumpyPeer:
    def __init__(self, memory):
        import numpy
        self.version = numpy.__version__
        f32 = numpy.frombuffer(memory, dtype=numpy.float32)
        generator = numpy.random.Generator(numpy.random.Philox(1))
        self.kernels = {
            "normal_f32": {"standard_normal": lambda: generator.standard_normal(dtype=numpy.float32, out=f32)},
        }


class MklPeer:
    """oneMKL's vector statistics through ctypes; constants as in mkl_vsl_defines.h."""

    _PHILOX4X32X10 = 16 << 20
    _UNIFORM_STD = 0
    _GAUSSIAN_METHODS = {"BOXMULLER": 0, "BOXMULLER2": 1, "ICDF": 2}
    # MKL counts with 32 bits.
    _MOST_ELEMENTS = 2**31 - 1

    def __init__(self, memory):
        os.environ.update(MKL_NUM_THREADS="1", MKL_THREADING_LAYER="SEQUENTIAL", MKL_INTERFACE_LAYER="LP64")
        library = [file.locate() for file in importlib.metadata.files("mkl") if "libmkl_rt." in file.name]
        if not library:
            raise ImportError("the package mkl has no libmkl_rt")
        self._library = ctypes.CDLL(str(pathlib.Path(library[0]).resolve()))
        self._elements = min(len(memory) // 4, self._MOST_ELEMENTS)
        self._memory = (ctypes.c_float * self._elements).from_buffer(memory)
        self._stream = ctypes.c_void_p()
        self._check(self._library.vslNewStream(ctypes.byref(self._stream), self._PHILOX4X32X10, ctypes.c_uint(1)))
        self.kernels = {
            "normal_f32": {
                name: lambda method=method: self._fill(self._library.vsRngGaussian, method)
                for name, method in self._GAUSSIAN_METHODS.items()},
            "uniform_f32": {"STD": lambda: self._fill(self._library.vsRngUniform, self._UNIFORM_STD)},
        }
        self.version = f"{importlib.metadata.version('mkl')} ({self._code()})"

    def _code(self):
        """The library that MKL has chosen for this processor; "def" is what processors of other makers get."""
        self._check(self._library.vsRngUniform(0, self._stream, 1, self._memory, ctypes.c_float(0), ctypes.c_float(1)))
        with open("/proc/self/maps") as maps:
            loaded = sorted({line.rsplit("/", 1)[-1].split(".")[0] for line in maps if "libmkl_vml_" in line})
        return ", ".join(loaded)

    def _fill(self, function, method):
        self._check(function(method, self._stream, self._elements, self._memory, ctypes.c_float(0), ctypes.c_float(1)))

    @staticmethod
    def _check(status):
        if status != 0:
            raise RuntimeError(f"MKL answered {status}")


class FlightPeer:
    """Reads everything from a flight-server, in batches of several sizes, two ways."""

    def __init__(self, memory):
        import pyarrow
        from pyarrow import flight
        self.version = pyarrow.__version__
        self._flight = flight
        self._size = len(memory)
        self._clients = {}

    def variants(self, command):
        address = command["address"]
        client = self._clients.setdefault(address, self._flight.connect(address))
        variants = {}
        for batch_bytes in FLIGHT_BATCH_BYTES:
            ticket = self._flight.Ticket(str(batch_bytes))
            size = f"{batch_bytes >> 10} KiB"
            variants[f"read_chunk, {size}"] = lambda ticket=ticket: self._read_chunks(client.do_get(ticket))
            variants[f"read_all, {size}"] = lambda ticket=ticket: self._expect(client.do_get(ticket).read_all().nbytes)
        return variants

    def _read_chunks(self, reader):
        self._expect(sum(chunk.data.nbytes for chunk in reader))

    def _expect(self, size):
        if size != self._size:
            raise RuntimeError(f"{size} bytes came, and not {self._size}")


def serve_flight(memory):
    import pyarrow
    from pyarrow import flight

    array = pyarrow.Array.from_buffers(pyarrow.float32(), len(memory) // 4, [None, pyarrow.py_buffer(memory)])
    batch = pyarrow.record_batch([array], names=["weights"])
    tables = {
        size: pyarrow.Table.from_batches([batch.slice(first, size // 4) for first in range(0, len(array), size // 4)])
        for size in FLIGHT_BATCH_BYTES}

    class Server(flight.FlightServerBase):
        def do_get(self, context, ticket):
            return flight.RecordBatchStream(tables[int(ticket.ticket)])

    server = Server("grpc://127.0.0.1:0")
    print(f"flight-server listening on grpc://127.0.0.1:{server.port}", flush=True)
    sys.stdin.read()


def seconds_of_one(call, least_seconds):
    calls = 0
    start = time.perf_counter()
    while True:
        call()
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed >= least_seconds:
            return elapsed / calls


PEERS = {"torch": TorchPeer, "numpy": NumpyPeer, "mkl": MklPeer, "flight": FlightPeer}


def main():
    name, memory = sys.argv[1], touched_memory(int(sys.argv[2]))
    if name == "flight-server":
        serve_flight(memory)
        return
    peer = None
    try:
        peer = PEERS[name](memory)
        print(json.dumps({"version": peer.version}), flush=True)
    except (ImportError, OSError) as error:
        print(json.dumps({"error": f"{name} is not installed: {error}"}), flush=True)
        return
    for line in sys.stdin:
        command = json.loads(line)
        try:
            variants = peer.variants(command) if hasattr(peer, "variants") else peer.kernels[command["kernel"]]
        except RuntimeError as error:
            print(json.dumps({"error": str(error)}), flush=True)
            continue
        seconds = {variant: seconds_of_one(call, command["seconds"]) for variant, call in variants.items()}
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
