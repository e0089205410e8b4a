"""Servers that are full or frozen, and others that are not."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
from conftest import BINARIES, LENET, SERVER, listening
from front import Front

import weightinit
from weightinit import _connect

_ALWAYS = 1_000_000
_LONG = 1000.0


def test_a_full_server_is_passed_over(address: str) -> None:
    with Front(address, full=_ALWAYS, retry_delay=_LONG) as full:
        with weightinit.Client([full.address, address]) as client:
            assert client.tensor(3, scheme="ones").sum() == 3
        with weightinit.Client([full.address, address]) as client:
            assert client.describe(3).shape == (3,)
        with weightinit.Client([full.address, address]) as client:
            client.model(LENET)
        assert full.refused == 3


def test_a_full_server_is_asked_again_when_it_said(address: str) -> None:
    with (
        Front(address, full=_ALWAYS, retry_delay=_LONG) as late,
        Front(address, full=2, retry_delay=0.02) as soon,
        weightinit.Client([late.address, soon.address]) as client,
    ):
        begin = time.monotonic()
        assert client.tensor(3, scheme="ones").sum() == 3
        assert time.monotonic() - begin >= 2 * 0.02
        assert (late.refused, soon.refused) == (1, 2)


def test_a_full_server_that_does_not_say_when_is_asked_after_a_pause(address: str) -> None:
    with Front(address, full=2) as full, weightinit.Client(full.address) as client:
        assert client.tensor(3, scheme="ones").sum() == 3


def test_if_all_servers_are_full_the_error_names_them(address: str) -> None:
    with ExitStack() as stack:
        fronts = [
            stack.enter_context(Front(address, full=_ALWAYS, retry_delay=0.01)) for _ in range(2)
        ]
        servers = [front.address for front in fronts]
        for arguments in ({"max_wait_when_full": 0.1}, {"timeout": 0.1}):
            with weightinit.Client(servers, **arguments) as client:  # type: ignore[arg-type]
                with pytest.raises(weightinit.ResourceExhausted) as caught:
                    client.tensor(3)
            assert "no server had room within 0.1 s" in str(caught.value)
            for server in servers:
                assert f"{server}: no room" in str(caught.value)
        assert all(front.refused > 2 for front in fronts)


def test_it_does_not_wait_for_what_is_too_late(address: str) -> None:
    with (
        Front(address, full=_ALWAYS, retry_delay=_LONG) as full,
        weightinit.Client(full.address) as client,
    ):
        with pytest.raises(weightinit.ResourceExhausted, match="within 60"):
            client.info()
        assert full.refused == 1


def test_closing_the_client_ends_the_wait(address: str) -> None:
    with Front(address, full=_ALWAYS, retry_delay=_LONG) as full:
        client = weightinit.Client(full.address, max_wait_when_full=10 * _LONG)
        caught: list[BaseException] = []

        def call() -> None:
            try:
                client.info()
            except BaseException as error:
                caught.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        while not full.refused:
            pass
        client.close()
        thread.join(120)
        assert not thread.is_alive()
        assert "closed" in str(caught[0])


def test_a_cancelled_task_ends_its_wait(address: str) -> None:
    with Front(address, full=_ALWAYS, retry_delay=_LONG) as full:

        async def run() -> None:
            async with weightinit.aio.Client(full.address, max_wait_when_full=1e6) as client:
                task = asyncio.create_task(client.info())
                while not full.refused:
                    await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

        asyncio.run(run())  # Waits for the threads of the event loop.


def test_a_stream_that_brings_nothing_goes_on_at_the_next_server() -> None:
    with (
        listening(BINARIES / "fake_server", "stall") as (_, stalled),
        listening(BINARIES / "fake_server", "busy_once") as (_, good),
        weightinit.Client([stalled, good], stall_timeout=0.5) as client,
    ):
        tensor = client.tensor((10, 10), scheme="normal")
    assert np.array_equal(tensor.ravel(), np.arange(100))


def test_a_frozen_server_is_left_by_a_call_without_its_answer(address: str) -> None:
    with listening(SERVER, "--listen", "127.0.0.1:0") as (process, frozen):
        with weightinit.Client([frozen, address], stall_timeout=0.3) as client:
            client.info()
            process.send_signal(signal.SIGSTOP)
            assert client.info().version
            process.send_signal(signal.SIGCONT)


def test_a_frozen_server_is_noticed_by_keepalives(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_connect, "_KEEPALIVE_MS", 200)
    monkeypatch.setattr(_connect, "_KEEPALIVE_TIMEOUT_MS", 200)
    with listening(SERVER, "--listen", "127.0.0.1:0") as (process, frozen):
        servers = [frozen, address]
        with weightinit.Client(servers, stall_timeout=None, connect_timeout=0.5) as client:
            client.info()
            process.send_signal(signal.SIGSTOP)
            assert client.tensor(3, scheme="ones").sum() == 3
            process.send_signal(signal.SIGCONT)


def test_whoever_takes_messages_may_take_longer_than_the_server(address: str) -> None:
    import grpc

    from weightinit._receivers import TensorReceiver
    from weightinit._requests import tensor_request
    from weightinit._retry import Watch

    receiver = TensorReceiver(tensor_request(100, {"scheme": "ones"}), None, lambda _: None)
    with grpc.insecure_channel(address) as channel:
        method = channel.unary_stream("/weightinit.v1.WeightInitService/InitializeTensor")
        for message in Watch(0.5).messages(method(receiver.start_stream())):
            time.sleep(0.7)  # Longer than the watch allows a server.
            receiver.take(message)
    assert receiver.done


def test_a_closed_client_leaves_no_thread_of_its_own(address: str) -> None:
    from weightinit._retry import Watch

    before = set(threading.enumerate())
    with weightinit.Client(address) as client:
        client.tensor(3)
        (watching,) = (
            thread
            for thread in set(threading.enumerate()) - before
            if getattr(getattr(thread, "_target", None), "__func__", None) is Watch._run
        )
    watching.join(120)
    assert not watching.is_alive()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("stall_timeout", 0),
        ("stall_timeout", float("nan")),
        ("stall_timeout", "5"),
        ("max_wait_when_full", -1),
        ("max_wait_when_full", None),
    ],
)
def test_seconds_have_a_range(argument: str, value: object) -> None:
    with pytest.raises(weightinit.InvalidArgument) as caught:
        weightinit.Client("127.0.0.1:1", **{argument: value})  # type: ignore[arg-type]
    assert caught.value.violations[0].field == argument
