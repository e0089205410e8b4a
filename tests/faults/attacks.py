"""What clients of bad will or bad luck send: bytes of HTTP/2, written by hand."""

import socket
import struct
import weakref

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
METHOD = "/weightinit.v1.WeightInitService/InitializeTensor"

DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, payload=b""):
    """One frame."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _literal(name, value):
    """A header field without indexing, never Huffman coded."""
    def text(part):
        encoded = part.encode()
        assert len(encoded) < 127
        return bytes([len(encoded)]) + encoded

    return b"\x00" + text(name) + text(value)


def integer(value):
    """A number of HPACK, or what of it is above the bits of its first byte."""
    encoded = bytearray()
    while value >= 128:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes(encoded) + bytes([value])


def call_headers(method=METHOD):
    """The header block of a call."""
    return b"".join(_literal(*each) for each in (
        (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "localhost"),
        ("content-type", "application/grpc"), ("te", "trailers")))


def connect(server):
    """A TCP connection to a server."""
    return socket.create_connection((server.host, server.port), timeout=10)


def hello(connection):
    """What a client of HTTP/2 says first."""
    connection.sendall(PREFACE + frame(SETTINGS, 0, 0))


def begin_call(connection, stream=1, body=b""):
    """A call whose request does not end."""
    connection.sendall(frame(HEADERS, END_HEADERS, stream, call_headers()) +
                       (frame(DATA, 0, stream, body) if body else b""))


def is_closed(connection):
    """Whether the server has ended a connection; what it has sent is dropped."""
    connection.setblocking(False)
    try:
        while True:
            if not connection.recv(65536):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        try:
            connection.setblocking(True)
            connection.settimeout(10)
        except OSError:
            pass


def call(connection, message, stream=1, method=METHOD):
    """A call with a whole request; its answer is for the caller to read, or not."""
    body = b"\x00" + struct.pack(">I", len(message)) + message
    connection.sendall(frame(HEADERS, END_HEADERS, stream, call_headers(method)) +
                       frame(DATA, END_STREAM, stream, body))


def reset_calls(connection, count, first=0, message=None):
    """Calls that are cancelled at once; returns how many were begun on the connection, with the `first` of before."""
    headers = call_headers()
    # Once it is cut, nobody reads what comes, or says so.
    connection.settimeout(1)
    for begin in range(first, first + count, 100):
        burst = b""
        for stream in range(2 * begin + 1, 2 * begin + 201, 2):
            burst += frame(HEADERS, END_HEADERS, stream, headers)
            if message is not None:
                burst += frame(DATA, END_STREAM, stream, b"\x00" + struct.pack(">I", len(message)) + message)
            burst += frame(RST_STREAM, 0, stream, b"\x00\x00\x00\x08")
        try:
            connection.sendall(burst)
        except OSError:
            break
        if is_closed(connection):
            break
    return first + count


def comes(connection, expected):
    """Whether these bytes come before the connection ends or is silent for ten seconds."""
    seen = b""
    try:
        while expected not in seen:
            came = connection.recv(65536)
            if not came:
                return False
            seen += came
    except OSError:
        return False
    return True


# The last bytes that has_ended has read, since what it looks for may come in two pieces.
_tails = weakref.WeakKeyDictionary()
_ended = weakref.WeakSet()


def has_ended(connection):
    """Whether the server has reset stream 1 or ended the connection; all that has come is read."""
    if connection in _ended:
        return True
    connection.setblocking(False)
    # Without the error code. Data is zeros or draws, in which these ten bytes do not stand.
    reset = struct.pack(">I", 4)[1:] + bytes([RST_STREAM, 0]) + struct.pack(">I", 1)
    try:
        while True:
            came = connection.recv(1 << 20)
            seen = _tails.get(connection, b"") + came
            if not came or reset in seen:
                _ended.add(connection)
                return True
            _tails[connection] = seen[-len(reset):]
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.setblocking(True)
        connection.settimeout(10)
