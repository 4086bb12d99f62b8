"""What `weft status` says of streams: how far each process is behind, in rows and in seconds."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy"))

from launcher import status  # noqa: E402


def process(name: str, **positions) -> dict:
    """A process and its streams: name=(writer, position, ms for which rows may have been missing)."""
    streams = [
        {"stream": stream, "instance": writer, "position": position, "behind_ms": behind_ms}
        for stream, (writer, position, behind_ms) in positions.items()
    ]
    return {"name": name, "streams": streams}


class Lags(unittest.TestCase):
    def test_a_reader_is_behind_its_writer_by_rows_and_seconds(self):
        processes = [
            process("master", events=("persister", 90, 2500), typing=("master", 7, 0)),
            process("persister", events=("persister", 100, 0), typing=("master", 7, 0)),
        ]
        status.add_lags(processes)
        master, persister = processes
        self.assertEqual([(s["lag"], s["lag_s"]) for s in master["streams"]], [(10, 2.5), (0, 0)])
        self.assertEqual(status.total_lag(master), "10")
        self.assertEqual(status.total_lag(persister), "0")
        heading, events, typing = status.stream_rows(processes)
        self.assertEqual(heading, ("STREAM", "WRITER", "master", "persister"))
        self.assertEqual(events, ("events", "persister", "90 (-10, 2.5 s)", "100"))
        self.assertEqual(typing, ("typing", "master", "7", "7"))

    def test_a_reader_that_only_knows_that_it_lacks_something_says_for_how_long(self):
        processes = [
            process("master", events=("persister", 100, 1200)),
            process("persister", events=("persister", 100, 0)),
        ]
        status.add_lags(processes)
        self.assertEqual(status.stream_rows(processes)[1][2], "100 (?, 1.2 s)")

    def test_a_writer_that_says_nothing_leaves_the_lag_open(self):
        processes = [process("master", events=("persister", 90, 0)), process("persister")]
        status.add_lags(processes)
        self.assertIsNone(processes[0]["streams"][0]["lag"])
        self.assertEqual(status.total_lag(processes[0]), "?")
        self.assertEqual(status.total_lag(processes[1]), "-")

    def test_writers_that_have_left_the_cluster_are_not_counted(self):
        processes = [process("master", caches=("gone", 5, 0))]
        status.add_lags(processes)
        self.assertEqual(processes[0]["streams"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
