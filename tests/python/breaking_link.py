"""A connection to a server that breaks, for tests of what a client does then."""

import contextlib
import socket
import threading

PIECE = 1 << 16


class BreakingLink:
    """A proxy of one server, at `address`. Once `limit` bytes of answers have passed, every connection through it
    ends and no new one is made; or, if it stalls, they stay open and nothing passes any more."""

    def __init__(self, server, limit, stalls=False):
        host, port = server.rsplit(":", 1)
        self._server = (host, int(port))
        self._limit = limit
        self._stalls = stalls
        self._lock = threading.Lock()
        self._sockets = []
        self._closed = False
        self.passed = 0
        self.full = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with self._lock:
            self._closed = True
            # A thread that waits in accept is only woken by this.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            for end in self._sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                with self._lock:
                    self._sockets += [client, server]
                    closed = self._closed
                if closed:
                    self.close()
                    return
                threading.Thread(target=self._pass_on, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, True), daemon=True).start()

    def _pass_on(self, source, target, is_answer):
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                if is_answer:
                    data = self._take(data)
                target.sendall(data)
                if is_answer and self.full.is_set():
                    if not self._stalls:
                        self.close()
                    return
            target.shutdown(socket.SHUT_WR)

    def _take(self, data):
        """What of it may still pass."""
        with self._lock:
            data = data[:max(0, self._limit - self.passed)]
            self.passed += len(data)
            if self.passed >= self._limit:
                self.full.set()
        return data


@contextlib.contextmanager
def breaking_links(servers, limit, **options):
    links = [BreakingLink(server, limit, **options) for server in servers]
    try:
        yield links
    finally:
        for link in links:
            link.close()
