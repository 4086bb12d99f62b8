"""A client of the master's replication port that only listens: what is on the wire, line by line."""

import json
import socket
import threading
from pathlib import Path
from typing import Callable, Optional

import yaml

from matrix_client import wait_for


def replication_address(data_dir: Path) -> tuple:
    """(host, port) of the master's replication listener."""
    listeners = yaml.safe_load((data_dir / "homeserver.yaml").read_text())["listeners"]
    listener = next(one for one in listeners if one["type"] == "replication")
    return listener["bind_addresses"][0], listener["port"]


class Row:
    """One RDATA line."""

    def __init__(self, line: str):
        _, self.stream, self.instance, token, self.text = line.split(" ", 4)
        self.token: Optional[int] = None if token == "batch" else int(token)
        self.data = json.loads(self.text)

    def __repr__(self) -> str:
        token = "batch" if self.token is None else self.token
        return f"RDATA {self.stream} {self.instance} {token} {self.text}"


class ReplicationTap:
    """Connects, asks for all streams, and keeps every line until it is closed."""

    def __init__(self, data_dir: Path, name: str = "tap"):
        self.name = name
        self.lines: list = []
        self.failure: Optional[BaseException] = None
        self.socket = socket.create_connection(replication_address(data_dir))
        self.thread = threading.Thread(target=self._read, daemon=True)

    def start(self) -> "ReplicationTap":
        """Without PING: a peer that never sends one is never timed out."""
        self.thread.start()
        self.send(f"NAME {self.name}")
        self.send("REPLICATE ")
        return self

    def send(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\n")

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(timeout=10)
        self.socket.close()

    def positions(self) -> list:
        """(stream, instance, token) of each POSITION line so far."""
        fields = [line.split(" ") for line in list(self.lines) if line.startswith("POSITION ")]
        return [(stream, instance, int(rest[-1])) for _, stream, instance, *rest in fields]

    def rows(self, stream: str) -> list:
        prefix = f"RDATA {stream} "
        return [Row(line) for line in list(self.lines) if line.startswith(prefix)]

    def wait_for_row(self, stream: str, matches: Callable, seconds: float = 30) -> Row:
        """The first row of the stream whose data matches."""

        def found():
            if self.failure is not None:
                raise AssertionError("the replication connection failed") from self.failure
            return next((row for row in self.rows(stream) if matches(row.data)), None)

        try:
            return wait_for(f"a row of {stream}", found, seconds)
        except AssertionError as problem:
            seen = "\n".join(repr(row) for row in self.rows(stream)[-20:])
            raise AssertionError(f"{problem}; last rows:\n{seen}") from None

    def _read(self) -> None:
        try:
            for line in self.socket.makefile("r", encoding="ascii", newline="\n"):
                self.lines.append(line.rstrip("\n"))
        except (OSError, ValueError) as problem:
            self.failure = problem
