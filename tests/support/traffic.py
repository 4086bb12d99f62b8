"""A client that sends one message after the other, and repeats what was not acknowledged."""

import threading
from typing import Optional

from matrix_client import Client, wait_for


class Sender:
    """Sends `count` messages in a thread; each is repeated with its transaction ID until the server
    has acknowledged it, whatever breaks meanwhile."""

    def __init__(self, client: Client, room_id: str, count: int, prefix: str):
        self.client = client.sibling()
        self.room_id = room_id
        self.count = count
        self.prefix = prefix
        self.acknowledged: dict = {}  # body -> event ID, in the order of sending
        self.failure: Optional[BaseException] = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Sender":
        self.thread.start()
        return self

    def bodies(self) -> list:
        """The texts acknowledged so far, in the order of sending."""
        return list(self.acknowledged)

    def event_ids(self) -> list:
        return list(self.acknowledged.values())

    def wait_for_acknowledged(self, count: int) -> None:
        wait_for(
            f"{count} acknowledged messages",
            lambda: len(self.acknowledged) >= count or self.failure,
            seconds=120,
            interval=0.005,
        )
        self.check()

    def finish(self, seconds: float = 180) -> None:
        """Until all messages are acknowledged."""
        self.thread.join(timeout=seconds)
        self.check()
        if self.thread.is_alive():
            raise AssertionError(f"only {len(self.acknowledged)} of {self.count} were acknowledged")

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(timeout=60)

    def check(self) -> None:
        if self.failure is not None:
            raise AssertionError("sending failed") from self.failure

    def _run(self) -> None:
        try:
            for number in range(self.count):
                if self.stopping.is_set():
                    return
                body = f"{self.prefix} {number}"
                txn_id = f"{self.prefix}-{number}".replace(" ", "-")
                self.acknowledged[body] = self.client.send(self.room_id, body, txn_id)
        except BaseException as problem:  # told to the test by `check`
            self.failure = problem
        finally:
            self.client.close()
