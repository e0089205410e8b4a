"""The rows of the benchmark: what is compared with what, in which unit, and the targets."""

import dataclasses
import typing

import report
from report import REPORT, at_least, at_most
from session import SHIPPED_MODELS, MeasurementError, progress

KIB = 1 << 10
MIB = 1 << 20
CHUNK_BYTES = 256 * KIB
SMALL_BYTES = KIB
SLICE_BYTES = MIB
HUGE_ELEMENTS = 1 << 40
IN_FLIGHT = 16
# Floats in a row of a matrix, as in peers.py.
ROW_ELEMENTS = 4096

FIRST_BYTE_LIMIT_MS = 5.0
CLIENT_LIMIT_BYTES = 64 * MIB
LLAMA_PLAN_LIMIT_MS = 20.0
MANY_PLAN_LIMIT_MS = 1000.0
LLAMA = SHIPPED_MODELS / "llama3_8b.yaml"
STREAM_LIMIT_BYTES = 3 * CHUNK_BYTES + 256 * KIB


def _request(shape, scheme, **more):
    tensor = {"name": "bench.weight", "shape": shape, "scheme": f"SCHEME_{scheme}"}
    return {"tensor": tensor, "seed": "42", "chunkBytes": CHUNK_BYTES, **more}


def _flat(session, scheme):
    return _request([session.options.tensor_bytes // 4], scheme)


def _matrix(session, scheme):
    return _request([session.options.tensor_bytes // 4 // ROW_ELEMENTS, ROW_ELEMENTS], scheme)


@dataclasses.dataclass(frozen=True)
class ComparedRow:
    """Ours against a peer, in rounds."""

    name: str
    unit: str
    # ours(session, simd_target) -> figure; peer(session, simd_target) -> {variant: figure}.
    ours: typing.Callable
    peer: typing.Callable
    targets: dict
    # Whether the peer does not depend on our SIMD target; then it runs once in a round.
    shared_peer: bool = True
    more_is_better: bool = True

    def measure(self, session, simd_targets):
        """The finished rows, one for each SIMD target."""
        ours = {simd_target: [] for simd_target in simd_targets}
        peer = {simd_target: {} for simd_target in simd_targets}
        # Round 0 warms up. Every other round runs backwards, so that drift favours no side.
        for number in range(session.options.rounds + 1):
            round_ours, round_peer = self._round(session, simd_targets, backwards=number % 2 == 1)
            if number == 0:
                continue
            for simd_target in simd_targets:
                ours[simd_target].append(round_ours[simd_target])
                for variant, figure in round_peer[simd_target].items():
                    peer[simd_target].setdefault(variant, []).append(figure)
        return [report.compared_row(self.name, simd_target, self.unit, self.bound(simd_target), ours[simd_target],
                                    peer[simd_target], self.more_is_better)
                for simd_target in simd_targets]

    def _round(self, session, simd_targets, backwards):
        ours, peer = {}, {}

        def run_ours(simd_target):
            ours[simd_target] = self.ours(session, simd_target)

        def run_peer(*served):
            figures = self.peer(session, served[0])
            peer.update((simd_target, figures) for simd_target in served)

        # The peer runs next to each of ours.
        first, *others = simd_targets
        steps = [(run_ours, first), (run_peer, *simd_targets) if self.shared_peer else (run_peer, first)]
        for simd_target in others:
            steps.append((run_ours, simd_target))
            if not self.shared_peer:
                steps.append((run_peer, simd_target))
        for function, *arguments in reversed(steps) if backwards else steps:
            function(*arguments)
        return ours, peer

    def bound(self, simd_target):
        return self.targets.get(simd_target, REPORT)


@dataclasses.dataclass(frozen=True)
class LimitedRow:
    """Samples of ours against a limit, which stands in the peer's place."""

    name: str
    unit: str
    limit: float
    fraction: float
    # samples(session, simd_target) -> figures.
    samples: typing.Callable

    def measure(self, session, simd_targets):
        return [report.limited_row(self.name, simd_target, self.unit, self.limit, self.samples(session, simd_target),
                                   self.fraction)
                for simd_target in simd_targets]

    def bound(self, _):
        return at_most(1)


def measure_row(row, session, simd_targets):
    """The finished rows; if something goes wrong, rows that say what."""
    progress(f"bench: {row.name}")
    try:
        return row.measure(session, simd_targets)
    except MeasurementError as error:
        return [report.failed_row(row.name, simd_target, row.unit, row.bound(simd_target), str(error))
                for simd_target in simd_targets]


def _each(avx512, avx2=None):
    return {"avx512": avx512, "avx2": avx512 if avx2 is None else avx2}


def _fill_row(name, library, kernel, targets, element_bytes=None):
    """The core against a library that fills memory; per element if `element_bytes` is given."""
    def figures_of_peer(session, _):
        amount = session.options.tensor_bytes / (element_bytes or 1)
        return {variant: amount / seconds / 1e9 for variant, seconds in session.peer(library, kernel).items()}

    def figure_of_ours(session, simd_target):
        result = session.core(simd_target, f"whole/{kernel}")
        return result["items_per_second" if element_bytes else "bytes_per_second"] / 1e9

    return ComparedRow(name, "Gelements/s" if element_bytes else "GB/s", figure_of_ours, figures_of_peer, targets)


def _orthogonal_row(name, case, targets):
    """The core against torch's whole matrix, whatever part of it ours makes."""
    def figures_of_peer(session, _):
        seconds = session.peer("torch", case.partition("/")[2])
        return {variant: each * 1e3 for variant, each in seconds.items()}

    return ComparedRow(name, "ms", lambda session, simd_target: session.core(simd_target, case)["real_time"],
                       figures_of_peer, targets, more_is_better=False)


def _raw_row(name, scheme, targets):
    return ComparedRow(
        name, "GB/s",
        lambda session, simd_target: session.raw_throughput(session.server(simd_target), _flat(session, scheme)),
        lambda session, _: {"constant": session.raw_throughput(session.constant_server(), _flat(session, scheme))},
        targets)


def _concurrent_row(streams):
    def throughput(session, simd_target, count):
        return session.raw_throughput(session.server(simd_target), _flat(session, "NORMAL"), count)

    return ComparedRow(
        f"{streams} concurrent streams in total / one stream", "GB/s",
        lambda session, simd_target: throughput(session, simd_target, streams),
        lambda session, simd_target: {"one stream": throughput(session, simd_target, 1)},
        _each(at_least(0.95)), shared_peer=False)


def _client_throughput(session, simd_target):
    # The size of the chunks is the client's choice, as it is the peer's.
    return session.client_throughput(session.server(simd_target), _matrix(session, "HE_NORMAL") | {"chunkBytes": 0})


def _tls_throughput(session, simd_target):
    address, ca = session.tls_server(simd_target)
    return session.client_throughput(address, _matrix(session, "HE_NORMAL") | {"chunkBytes": 0}, ca=ca)


def _kaiming_throughput(session, _):
    seconds = session.peer("torch", "kaiming_f32")
    return {variant: session.options.tensor_bytes / each / 1e9 for variant, each in seconds.items()}


def _flight_throughput(session, _):
    return {variant: session.options.tensor_bytes / each / 1e9 for variant, each in session.flight().items()}


def _init_throughput(session, simd_target):
    return session.init_throughput(simd_target, ROW_ELEMENTS)


def _package_throughput(session, simd_target):
    return session.options.tensor_bytes / session.package_seconds(simd_target, "normal_f32") / 1e9


def _torch_normal_throughput(session, _):
    seconds = session.peer("torch", "normal_f32")
    return {variant: session.options.tensor_bytes / each / 1e9 for variant, each in seconds.items()}


def _slice_milliseconds(session, simd_target):
    elements = SLICE_BYTES // 4
    request = _request([HUGE_ELEMENTS], "NORMAL", slice=[{"start": str(HUGE_ELEMENTS - elements)}])
    return session.delivery_milliseconds(session.server(simd_target), request, SLICE_BYTES)


def _whole_milliseconds(session, simd_target):
    request = _request([SLICE_BYTES // 4], "NORMAL")
    return {"whole": session.delivery_milliseconds(session.server(simd_target), request, SLICE_BYTES)}


def _small_rate(session, address, scheme="NORMAL"):
    return session.requests_per_second(address, _request([SMALL_BYTES // 4], scheme), SMALL_BYTES, IN_FLIGHT)


def _kib_per_stream(session, simd_target):
    """For each round the larger of two growths, by streams of a tensor of 64 MiB and by ones of 4 TiB."""
    warm_up = _request([SMALL_BYTES // 4], "NORMAL")
    return [max(session.bytes_per_stalled_stream(simd_target, _request([elements], "NORMAL"), warm_up)
                for elements in (64 * MIB // 4, HUGE_ELEMENTS)) / KIB
            for _ in range(session.options.rounds)]


def _kib_per_model_stream(session, simd_target):
    request = {"model": session.model_of(500, 2000, 1000), "seed": "42", "chunkBytes": CHUNK_BYTES}
    warm_up = _request([SMALL_BYTES // 4], "NORMAL")
    return [session.bytes_per_stalled_stream(simd_target, request, warm_up, model=True) / KIB
            for _ in range(session.options.rounds)]


def _mib_beside_buffers(served):
    return lambda session, simd_target: [session.client_bytes_beside_buffers(simd_target, served) / MIB]


ROWS = (
    _fill_row("core normal f32 / torch normal_", "torch", "normal_f32", _each(at_least(6), at_least(2.5))),
    _fill_row("core uniform f32 / torch uniform_", "torch", "uniform_f32", _each(at_least(8), at_least(3.5))),
    _fill_row("core truncated normal f32 / torch trunc_normal_", "torch", "truncated_f32",
              _each(at_least(50), at_least(20))),
    _fill_row("core normal f32 / NumPy Philox standard_normal", "numpy", "normal_f32",
              _each(at_least(15), at_least(6))),
    _fill_row("core normal f32 / MKL vsRngGaussian Philox", "mkl", "normal_f32", _each(at_least(1), REPORT)),
    _fill_row("core uniform f32 / MKL vsRngUniform Philox", "mkl", "uniform_f32", _each(at_least(1.2), REPORT)),
    _fill_row("core normal bf16 / torch normal_ bf16", "torch", "normal_bf16", _each(at_least(8), at_least(3.5)), 2),
    _fill_row("core normal f64 / torch normal_ f64", "torch", "normal_f64", _each(at_least(4), at_least(2)), 8),
    # In speed 0.9 and 0.6, 6 and 4.
    _orthogonal_row("orthogonal 1024 x 1024 / torch orthogonal_", "whole/orthogonal_small",
                    _each(at_most(1.11), at_most(1.67))),
    _orthogonal_row("orthogonal 4096 x 4096 / torch orthogonal_", "whole/orthogonal_large",
                    _each(at_most(1.11), at_most(1.67))),
    _orthogonal_row("last eighth of an orthogonal 4096 x 4096 / torch orthogonal_ of all",
                    "last_eighth/orthogonal_large", _each(at_most(0.167), at_most(0.25))),
    _raw_row("stream uniform f32 / raw gRPC stream", "UNIFORM", _each(at_least(0.85), at_least(0.65))),
    _raw_row("stream normal f32 / raw gRPC stream", "NORMAL", _each(at_least(0.75), at_least(0.5))),
    ComparedRow("C++ client normal f32 / local torch kaiming_normal_", "GB/s", _client_throughput,
                _kaiming_throughput, _each(at_least(2), at_least(1.2))),
    ComparedRow("C++ client normal f32 / Arrow Flight DoGet", "GB/s", _client_throughput, _flight_throughput,
                _each(at_least(1), at_least(0.6))),
    ComparedRow("init 1 GiB to a file / raw write loop", "GB/s", _init_throughput,
                lambda session, _: {"pwrite": session.raw_write_throughput()}, _each(at_least(0.7), at_least(0.5))),
    ComparedRow("init 1 GiB to a file / torch kaiming_normal_ and np.save", "GB/s", _init_throughput,
                lambda session, _: {"save": session.saved_throughput(ROW_ELEMENTS)}, _each(at_least(3))),
    ComparedRow("GPT-2 small to a file / torch init and safetensors", "s",
                lambda session, simd_target: session.stored_model_seconds(simd_target),
                lambda session, _: session.saved_model_seconds(), _each(at_most(0.333)), more_is_better=False),
    ComparedRow("Python Local normal f32 / torch normal_", "GB/s", _package_throughput, _torch_normal_throughput,
                _each(at_least(4.5), at_least(2.7))),
    ComparedRow("weightinit.torch init_ of GPT-2 small / its own initialisation", "s",
                lambda session, simd_target: session.package_seconds(simd_target, "gpt2_module"),
                lambda session, _: session.peer("torch", "gpt2_module"), _each(at_most(0.333)), more_is_better=False),
    ComparedRow("bf16 model of 500 tensors into buffers / core on one thread x cores", "GB/s",
                lambda session, simd_target: session.local_model_throughput(simd_target),
                lambda session, simd_target: {"all cores": session.core_throughput_of_all_cores(simd_target)},
                _each(at_least(0.8)), shared_peer=False),
    ComparedRow("bf16 model of 500 tensors from a server / one tensor of that size", "GB/s",
                lambda session, simd_target: session.served_model_throughput(simd_target),
                lambda session, simd_target: {"one tensor": session.served_tensor_throughput(simd_target)},
                _each(at_least(0.9)), shared_peer=False),
    ComparedRow("model to a file from three replicas at 100 MB/s each / from one", "GB/s",
                lambda session, simd_target: session.replicas_throughput(simd_target, 3),
                lambda session, simd_target: {"one": session.replicas_throughput(simd_target, 1)},
                _each(at_least(2.7)), shared_peer=False),
    ComparedRow("1 MiB slice at the end of 2^40 elements / 1 MiB tensor", "ms", _slice_milliseconds,
                _whole_milliseconds, _each(at_most(1.2)), shared_peer=False, more_is_better=False),
    ComparedRow("C++ client normal f32 by TLS / unencrypted", "GB/s", _tls_throughput,
                lambda session, simd_target: {"unencrypted": _client_throughput(session, simd_target)},
                _each(REPORT), shared_peer=False),
    _concurrent_row(4),
    _concurrent_row(16),
    ComparedRow("1 KiB normal tensors / the same server's constant ones", "requests/s",
                lambda session, simd_target: _small_rate(session, session.server(simd_target)),
                lambda session, simd_target: {
                    "zeros": _small_rate(session, session.server(simd_target), "ZEROS")},
                _each(at_least(0.9)), shared_peer=False),
    ComparedRow("1 KiB normal tensors / ready messages by a bare server", "requests/s",
                lambda session, simd_target: _small_rate(session, session.server(simd_target)),
                lambda session, _: {"constant": _small_rate(session, session.constant_server())},
                _each(REPORT)),
    LimitedRow("server memory per stalled stream / 3 chunks + 256 KiB", "KiB", STREAM_LIMIT_BYTES / KIB, 0.5,
               _kib_per_stream),
    LimitedRow("server memory per stalled model stream / 3 chunks + 256 KiB", "KiB", STREAM_LIMIT_BYTES / KIB, 0.5,
               _kib_per_model_stream),
    LimitedRow("client memory beside the buffers of a model it computes / 64 MiB", "MiB", CLIENT_LIMIT_BYTES / MIB, 0.5,
               _mib_beside_buffers(served=False)),
    LimitedRow("client memory beside the buffers of a model from a server / 64 MiB", "MiB", CLIENT_LIMIT_BYTES / MIB,
               0.5, _mib_beside_buffers(served=True)),
    LimitedRow("plan of Llama 3 8B by the library / 20 ms", "ms", LLAMA_PLAN_LIMIT_MS, 0.5,
               lambda session, simd_target: session.plan_milliseconds(simd_target, LLAMA)),
    ComparedRow("plan of Llama 3 8B, the process / a process that does nothing", "ms",
                lambda session, simd_target: session.command_milliseconds(simd_target, "model", "plan", LLAMA),
                lambda session, simd_target: {"--version": session.command_milliseconds(simd_target, "--version")},
                _each(REPORT), shared_peer=False, more_is_better=False),
    LimitedRow("plan of 100,000 tensors by the library / 1 s", "ms", MANY_PLAN_LIMIT_MS, 0.5,
               lambda session, simd_target: session.plan_milliseconds(simd_target, session.many_tensors_manifest())),
    LimitedRow("plan of 100,000 tensors, the process / 1 s", "ms", MANY_PLAN_LIMIT_MS, 0.5,
               lambda session, simd_target: [
                   session.command_milliseconds(simd_target, "model", "plan", session.many_tensors_manifest())
                   for _ in range(session.options.rounds)]),
    LimitedRow("first byte of a new connection after 5 s idle, p99 / 5 ms", "ms", FIRST_BYTE_LIMIT_MS, 0.99,
               lambda session, simd_target: session.first_byte_milliseconds(
                   simd_target, _request([SLICE_BYTES // 4], "NORMAL"))),
)

# Of the core, without a peer.
INFORMATIVE_CASES = tuple(
    f"{destination}/{case}" for destination in ("whole", "chunks", "rows")
    for case in ("uniform_f32", "normal_f32", "truncated_f32", "uniform_f64", "normal_f64", "normal_f16",
                 "normal_bf16", "constant_f32"))
