"""What clients of bad will or bad luck send: bytes of HTTP/2, written by hand."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
METHOD = "/weightinit.v1.WeightInitService/InitializeTensor"

DATA, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 8, 9
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


def has_ended(connection):
    """Whether the server has reset a stream or ended the connection; all that has come is read."""
    connection.setblocking(False)
    # A frame that is cut is found all the same: what stands before it is data of 0 to 255 in no
    # order, and a reset is 13 bytes of which 10 are known.
    reset = struct.pack(">I", 4)[1:] + bytes([RST_STREAM, 0]) + struct.pack(">I", 1)
    try:
        while True:
            came = connection.recv(1 << 20)
            if not came or reset in came:
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.setblocking(True)
        connection.settimeout(10)
