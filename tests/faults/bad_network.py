"""A network of bad luck in front of a server: it delays, resets, is slow, or swallows all that is sent."""

import asyncio
import random
import threading

_PIECE = 65536
_FLYING = 64  # Pieces on their way in one direction.


class BadNetwork:
    """A context manager: passes on what comes to its address. Its settings may change while it runs.

    Args:
        target: host:port of the server.
        delay: Seconds that each piece is held back, both ways.
        resets: The probability that a piece from the server resets its connection.
        rate: Bytes per second from the server, of all connections together; None for any.
    """

    def __init__(self, target, *, delay=0.0, resets=0.0, rate=None, seed=1):
        self.delay, self.resets, self.rate = delay, resets, rate
        self.swallows = False  # Both ways, and connections that are new; none is closed.
        self.was_reset = 0
        self._host, port = target.rsplit(":", 1)
        self._port = int(port)
        self._dice = random.Random(seed)
        self._passed_until = 0.0
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self):
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._stop = asyncio.Event()
        self._connections = set()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connect(self, reader, writer):
        self._connections.add(asyncio.current_task())
        far = None
        try:
            far_reader, far = await asyncio.open_connection(self._host, self._port)
            # What ends one direction ends both.
            async with asyncio.TaskGroup() as group:
                for source, sink, from_server in ((reader, far, False), (far_reader, writer, True)):
                    # What is on its way, with the time when it arrives.
                    flying = asyncio.Queue(_FLYING)
                    group.create_task(self._take(source, flying, from_server))
                    group.create_task(self._give(sink, flying))
        except* OSError:
            pass
        finally:
            for each in (writer, far):
                if each is not None:
                    each.transport.abort()
            self._connections.discard(asyncio.current_task())

    async def _take(self, reader, flying, from_server):
        while data := await reader.read(_PIECE):
            if from_server and self._dice.random() < self.resets:
                self.was_reset += 1
                raise ConnectionResetError
            due = self._loop.time()
            if from_server and self.rate:
                due = self._passed_until = max(due, self._passed_until) + len(data) / self.rate
            await flying.put((due + self.delay, data))
        await flying.put((self._loop.time() + self.delay, b""))

    async def _give(self, writer, flying):
        while True:
            due, data = await flying.get()
            await asyncio.sleep(due - self._loop.time())
            while self.swallows:
                await asyncio.sleep(0.01)
            if not data:
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()
