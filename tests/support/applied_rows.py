"""Reads what a process wrote to WEFT_ROW_LOG: the rows that it applied, life by life."""

from pathlib import Path
from typing import Iterator, NamedTuple


class AppliedRow(NamedTuple):
    microseconds: int
    stream: str
    instance: str
    token: int
    text: str


class Life:
    """One process from its start to its end."""

    def __init__(self):
        self.positions: dict = {}  # (stream, instance) -> the token it read from the database
        self.rows: list = []
        self.newest: dict = {}  # (stream, text of a row) -> the last token under which it was applied

    def add(self, row: AppliedRow) -> None:
        self.rows.append(row)
        self.newest[row.stream, row.text] = row.token


def parse_row(line: str) -> AppliedRow:
    microseconds, stream, instance, token, text = line.split(" ", 4)
    return AppliedRow(int(microseconds), stream, instance, int(token), text)


def read_lives(path: Path) -> list:
    lives: list = []
    for line in complete_lines(path):
        if line.startswith("# start "):
            lives.append(Life())
        elif line.startswith("# position "):
            _, _, stream, instance, token = line.split(" ")
            lives[-1].positions[stream, instance] = int(token)
        else:
            lives[-1].add(parse_row(line))
    return lives


def complete_lines(path: Path) -> Iterator[str]:
    with path.open() as file:
        for line in file:
            if line.endswith("\n"):
                yield line[:-1]


class RowFile:
    """The same while it grows: remembers how far it has read."""

    def __init__(self, path: Path):
        self.path = path
        self.offset = 0
        self.by_feed: dict = {}  # (stream, instance) -> {token: microseconds}

    def times(self, stream: str, instance: str) -> dict:
        """token -> when it was applied."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            data = file.read()
        data = data[: data.rfind(b"\n") + 1]
        self.offset += len(data)
        for line in data.decode().splitlines():
            if not line.startswith("#"):
                row = parse_row(line)
                self.by_feed.setdefault((row.stream, row.instance), {})[row.token] = row.microseconds
        return self.by_feed.get((stream, instance), {})

    def count(self, stream: str, instance: str) -> int:
        return len(self.times(stream, instance))
