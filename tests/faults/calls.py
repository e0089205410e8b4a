"""Calls as gRPC makes them, without the checks and retries of a client of ours."""

import contextlib
import threading

import grpc

from weightinit import _messages
from weightinit._requests import tensor_request

SERVICE = "/weightinit.v1.WeightInitService/"
INITIALIZE = SERVICE + "InitializeTensor"
HEALTH = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"


def request(shape, chunk_bytes=0, **arguments):
    """A serialized InitializeTensorRequest."""
    message = tensor_request(shape, {"scheme": "normal", **arguments})
    message.chunk_bytes = chunk_bytes
    return message.SerializeToString()


def channel(server, *options, address=None):
    """A connection that no other channel shares."""
    return grpc.insecure_channel(address or server.address, options=[
        ("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1), *options])


def stalled(stack, server, count, shape=(1 << 28,)):
    """Streams on one connection that nobody reads; returns their calls."""
    # Without the probe the windows stay small; with it the client's transport goes on to take in
    # gigabytes that nobody reads, and the streams are not stalled until it has.
    connection = stack.enter_context(channel(server, ("grpc.http2.bdp_probe", 0)))
    start = connection.unary_stream(INITIALIZE)
    return [start(request(shape)) for _ in range(count)]


def has_retry_info(error):
    """Whether the details of an error say when to try again."""
    return any(key == "grpc-status-details-bin" and b"google.rpc.RetryInfo" in value
               for key, value in error.trailing_metadata() or ())


def is_served(call, message=None):
    """Whether a call that streams ends well."""
    try:
        return bool(list(call(message or request((256,)))))
    except grpc.RpcError:
        return False


def payload(message):
    """The bytes of tensor that an InitializeTensorResponse brings."""
    return len(_messages.InitializeTensorResponse.FromString(message).chunk.data)


def at_once(count, work):
    """Runs work(0) to work(count - 1) on threads; returns what they raised."""
    errors = []

    def run(number):
        try:
            work(number)
        except Exception as error:  # Any is for the test to judge.
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def admitted_at_once(server, count):
    """Whether so many streams of one client are all served at once."""
    with contextlib.ExitStack() as stack:
        calls = stalled(stack, server, count)
        try:
            return all(next(call, None) is not None for call in calls)
        except grpc.RpcError:
            return False
        finally:
            for call in calls:
                call.cancel()
