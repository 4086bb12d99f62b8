"""What the launcher says, and how it fails."""

import sys
import time
from pathlib import Path
from typing import Callable

#: The top of the source tree.
TOP = Path(__file__).resolve().parents[2]


class LauncherError(Exception):
    """Something the operator has to know; printed without a traceback, exit status 1."""


def say(text: str) -> None:
    print(f"weft: {text}", flush=True)


def warn(text: str) -> None:
    print(f"weft: {text}", file=sys.stderr, flush=True)


def last_lines(file: Path, count: int) -> str:
    """The end of a log, for an error message; empty when there is no such file."""
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])


def wait_until(condition: Callable[[], bool], seconds: float, interval: float = 0.05) -> bool:
    """Polls `condition` until it holds (True) or `seconds` have passed (False)."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True
