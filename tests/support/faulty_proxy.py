"""A proxy between processes that does to connections what networks do."""

import asyncio
import threading
from typing import Callable, Optional, Union

#: (host, port), or the path of a unix socket.
Address = Union[tuple, str]

CHUNK_BYTES = 65536
#: Of a chunk that is split: the rest of it follows whole.
PIECES_MAX = 200


class Direction:
    """What one end says to the other."""

    def __init__(self):
        self.stalled_until = 0.0
        self.delay = 0.0
        self.split = 0  # bytes a piece; 0: as they come


class Link:
    """One connection through the proxy."""

    def __init__(self, caller, callee):
        self.up = Direction()
        self.down = Direction()
        self.caller = caller  # whoever connected to us
        self.callee = callee
        self.is_open = True

    def directions(self, which: str) -> list:
        """up: from the caller; down: to it; both."""
        return [self.up, self.down] if which == "both" else [getattr(self, which)]


class FaultyProxy:
    """Forwards connections. Bytes are never changed, nor lost in the middle of a connection. A fault happens to one of
    the connections that are open: `place`, from 0 to 1, says which; the answer is whether there was one."""

    def __init__(self, listen: Address, upstream: Callable[[], Address]):
        self.listen = listen
        self.upstream = upstream
        self.links: list = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.ready = threading.Event()
        self.failure: Optional[BaseException] = None

    def start(self) -> "FaultyProxy":
        self.thread.start()
        self.ready.wait(10)
        if self.failure:
            raise self.failure
        return self

    def stop(self) -> None:
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(timeout=10)

    # Faults

    def cut(self, place: float) -> bool:
        """Both ends see the connection close."""
        return self._with_link(place, self._close)

    def stall(self, place: float, which: str, seconds: float) -> bool:
        """Nothing passes for so long."""

        def apply(link: Link) -> None:
            for direction in link.directions(which):
                direction.stalled_until = self.loop.time() + seconds

        return self._with_link(place, apply)

    def delay(self, place: float, which: str, seconds: float) -> bool:
        """Each piece takes so long from now on."""

        def apply(link: Link) -> None:
            for direction in link.directions(which):
                direction.delay = seconds

        return self._with_link(place, apply)

    def split(self, place: float, which: str, size: int) -> bool:
        """Lines arrive in pieces of so many bytes from now on."""

        def apply(link: Link) -> None:
            for direction in link.directions(which):
                direction.split = size

        return self._with_link(place, apply)

    def overtake(self, place: float, seconds: float) -> bool:
        """The caller sees its connection close and makes another, which overtakes the old one: what that still holds
        arrives when the new one has been heard."""

        def apply(link: Link) -> None:
            link.up.stalled_until = link.down.stalled_until = self.loop.time() + 2 * seconds
            self.loop.call_later(seconds, link.caller.close)

        return self._with_link(place, apply)

    def calm_down(self) -> None:
        """All connections behave from now on."""

        def apply() -> None:
            for link in self.links:
                for direction in link.directions("both"):
                    direction.stalled_until = direction.delay = direction.split = 0

        self.loop.call_soon_threadsafe(apply)

    def _with_link(self, place: float, apply: Callable) -> bool:
        links = list(self.links)
        if not links:
            return False
        self.loop.call_soon_threadsafe(apply, links[min(int(place * len(links)), len(links) - 1)])
        return True

    # Forwarding

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            if isinstance(self.listen, str):
                serving = asyncio.start_unix_server(self._serve, self.listen)
            else:
                serving = asyncio.start_server(self._serve, *self.listen)
            server = self.loop.run_until_complete(serving)
        except OSError as problem:
            self.failure = problem
            self.ready.set()
            return
        self.ready.set()
        self.loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    async def _serve(self, reader, writer) -> None:
        address = self.upstream()
        try:
            if isinstance(address, str):
                far_reader, far_writer = await asyncio.open_unix_connection(address)
            else:
                far_reader, far_writer = await asyncio.open_connection(*address)
        except OSError:
            writer.close()
            return
        link = Link(writer, far_writer)
        self.links.append(link)
        try:
            await asyncio.gather(
                self._pump(link, reader, far_writer, link.up), self._pump(link, far_reader, writer, link.down)
            )
        except asyncio.CancelledError:
            pass  # the proxy stops
        finally:
            self._close(link)

    def _close(self, link: Link) -> None:
        if link in self.links:
            self.links.remove(link)
        link.is_open = False
        link.caller.close()
        link.callee.close()

    async def _pump(self, link: Link, reader, writer, direction: Direction) -> None:
        """Until one end has gone; then what was read before still arrives at the other."""
        try:
            while data := await reader.read(CHUNK_BYTES):
                await self._wait(link, direction)
                for piece in pieces(data, direction.split):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if not link.is_open:
                    return
            await self._wait(link, direction)
            writer.close()
        except (OSError, RuntimeError):
            writer.close()

    async def _wait(self, link: Link, direction: Direction) -> None:
        if direction.delay:
            await asyncio.sleep(direction.delay)
        while link.is_open and direction.stalled_until > self.loop.time():
            await asyncio.sleep(min(0.05, direction.stalled_until - self.loop.time()))


def pieces(data: bytes, size: int) -> list:
    """`data` in pieces of so many bytes; with 0, in one."""
    if not size:
        return [data]
    end = min(len(data), size * PIECES_MAX)
    return [data[begin : min(begin + size, end)] for begin in range(0, end, size)] + ([data[end:]] if data[end:] else [])
