"""Servers that fail: a typed exception, no hang; or another one goes on."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable

import numpy as np
import pytest
from conftest import BINARIES, SERVER, listening

import weightinit

_SHAPE = (4096, 4096)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("crc", "CRC-32 of the chunk"),
        ("order", "begins at"),
        ("no_header", "without a header"),
        ("no_trailer", "without a trailer"),
        ("trailer", "trailer"),
    ],
)
def test_a_stream_that_is_wrong_is_data_loss(
    fake: Callable[[str], weightinit.Client], fault: str, message: str
) -> None:
    with pytest.raises(weightinit.DataLoss, match=message):
        fake(fault).tensor((100, 100))


def test_a_wrong_checksum_is_seen_without_the_compiled_part(
    without_core: None, fake: Callable[[str], weightinit.Client]
) -> None:
    with pytest.raises(weightinit.DataLoss, match="CRC-32"):
        fake("crc").tensor((100, 100))


def test_a_call_that_is_too_large_is_resource_exhausted(
    fake: Callable[[str], weightinit.Client],
) -> None:
    with pytest.raises(weightinit.ResourceExhausted, match="larger than max"):
        fake("exhausted").tensor((100, 100))


def test_a_busy_server_is_asked_again(fake: Callable[[str], weightinit.Client]) -> None:
    tensor = fake("busy_once").tensor((10, 10), scheme="normal")
    assert np.array_equal(tensor.ravel(), np.arange(100))


def test_a_bug_of_the_server_is_internal(fake: Callable[[str], weightinit.Client]) -> None:
    with pytest.raises(weightinit.Internal, match="a bug"):
        fake("internal").tensor((100, 100))


def test_an_unreachable_server_is_unavailable() -> None:
    with socket.socket() as bound:  # Nobody listens.
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        with weightinit.Client(address) as client:
            with pytest.raises(weightinit.Unavailable, match=address):
                client.tensor(3)


def test_the_next_server_is_asked_when_one_does_not_answer_in_the_connect_timeout(
    address: str,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # Accepts, and says nothing.
        servers = [f"127.0.0.1:{silent.getsockname()[1]}", address]
        # The default is as long as the timeout.
        with weightinit.Client(servers, timeout=5, connect_timeout=0.1) as client:
            assert client.tensor(3, scheme="ones").sum() == 3


def test_a_deadline_ends_a_stream_that_stalls() -> None:
    with listening(BINARIES / "fake_server", "stall") as (_, address):
        with weightinit.Client(address, timeout=0.3) as client:
            with pytest.raises(weightinit.DeadlineExceeded) as caught:
                client.tensor((100, 100))
    assert isinstance(caught.value, TimeoutError)


def test_a_deadline_ends_a_local_tensor() -> None:
    with pytest.raises(weightinit.DeadlineExceeded):
        weightinit.Local(timeout=1e-6).tensor((1000, 1000))


def test_the_second_server_goes_on_where_the_first_was_killed() -> None:
    with (
        listening(SERVER, "--listen", "127.0.0.1:0") as (first, first_address),
        listening(SERVER, "--listen", "127.0.0.1:0") as (_, second_address),
        weightinit.Client([first_address, second_address]) as client,
    ):
        out = np.zeros(_SHAPE, np.float32)
        # It is killed once something of the tensor is there.
        failed: list[BaseException] = []

        def fetch() -> None:
            try:
                client.tensor(_SHAPE, scheme="normal", seed=4, out=out)
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=fetch)
        thread.start()
        while thread.is_alive() and out[0, 0] == 0:
            pass
        first.kill()
        thread.join(120)
        assert not thread.is_alive()
        assert not failed
        assert np.array_equal(out, weightinit.Local().tensor(_SHAPE, scheme="normal", seed=4))


def test_a_broken_stream_is_resumed_exactly() -> None:
    from weightinit._receivers import TensorReceiver
    from weightinit._requests import tensor_request

    with listening(SERVER, "--listen", "127.0.0.1:0") as (_, address):
        import grpc

        request = tensor_request((1000, 100), {"scheme": "normal"})
        request.chunk_bytes = 4096
        receiver = TensorReceiver(request, None, lambda _: None)
        with grpc.insecure_channel(address) as channel:
            method = channel.unary_stream("/weightinit.v1.WeightInitService/InitializeTensor")
            for break_after in (5, 1, 20, None):
                call = method(receiver.start_stream())
                for count, message in enumerate(call):
                    if count == break_after:
                        break
                    receiver.take(message)
                call.cancel()
        assert receiver.done
        expected = weightinit.Local().tensor((1000, 100), scheme="normal")
        assert np.array_equal(receiver.array, expected)


def test_the_only_server_killed_is_unavailable() -> None:
    with (
        listening(SERVER, "--listen", "127.0.0.1:0") as (process, address),
        weightinit.Client(address) as client,
    ):
        client.info()
        process.kill()
        process.wait()
        with pytest.raises(weightinit.Unavailable):
            client.tensor((10, 10))


def test_a_client_in_a_forked_child_is_a_failed_precondition(address: str) -> None:
    with weightinit.Client(address) as client:
        client.info()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                client.tensor(3)
                said = "nothing"
            except weightinit.FailedPrecondition as error:
                said = str(error)
            except BaseException as error:
                said = repr(error)
            os.write(writing, said.encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            assert "another process" in pipe.read()
        os.waitpid(child, 0)
        assert client.tensor(3).shape == (3,)


def test_a_local_source_works_in_a_forked_child() -> None:
    source = weightinit.Local()
    source.tensor((1000, 1000))
    child = os.fork()
    if child == 0:
        os._exit(0 if source.tensor((1000, 1000)).shape == (1000, 1000) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_closed_client_is_a_failed_precondition(address: str) -> None:
    client = weightinit.Client(address)
    client.close()
    client.close()
    with pytest.raises(weightinit.FailedPrecondition, match="closed"):
        client.tensor(3)


def test_a_cancelled_task_ends_its_stream() -> None:
    with listening(BINARIES / "fake_server", "stall") as (process, address):

        async def run() -> None:
            async with weightinit.aio.Client(address) as client:
                task = asyncio.create_task(client.tensor((100, 100)))
                assert process.stdout is not None
                await asyncio.to_thread(process.stdout.readline)  # "stalled"
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

        asyncio.run(run())  # Waits for the threads of the event loop.


def test_a_program_that_is_no_server_is_not_found() -> None:
    with pytest.raises(weightinit.NotFound, match="binary"):
        with weightinit.testing.server("/nowhere/weightinit-server"):
            pass
