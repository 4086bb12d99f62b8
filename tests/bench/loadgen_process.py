"""The load generator as a child process: commands go in as JSON lines, answers come out."""

import json
import os
import select
import subprocess
import time
from pathlib import Path

#: Preparing a hundred accounts takes a while: passwords are hashed slowly on purpose.
ANSWER_SECONDS_MAX = 90


class LoadGeneratorError(Exception):
    """The load generator failed, or took too long."""


class LoadGenerator:
    """`weft-loadgen`; what its commands are, loadgen/scenarios.hpp says."""

    def __init__(self, binary: Path, url: str):
        self.process = subprocess.Popen(
            [str(binary), "--url", url, "--run", f"bench-{os.getpid()}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.unread = b""

    @property
    def pid(self) -> int:
        return self.process.pid

    def perform(self, command: str, **members) -> dict:
        """Has a command done; returns its answer."""
        line = json.dumps({"do": command, **members}) + "\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # It has ended; the answer that is read next says why.
        answer = json.loads(self._read_line(command))
        if "error" in answer:
            raise LoadGeneratorError(f"{command}: {answer['error']}")
        return answer

    def _read_line(self, command: str) -> bytes:
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while b"\n" not in self.unread:
            readable, _, _ = select.select(
                [self.process.stdout], [], [], max(0, deadline - time.monotonic())
            )
            if not readable:
                raise LoadGeneratorError(f"{command}: no answer in {ANSWER_SECONDS_MAX} s")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise LoadGeneratorError(f"{command}: ended with status {self.process.wait()}")
            self.unread += chunk
        line, _, self.unread = self.unread.partition(b"\n")
        return line

    def close(self) -> None:
        """Ends it, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
