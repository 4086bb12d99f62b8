"""Real clients (matrix-js-sdk) talk, in the clear and encrypted, and by sliding sync, on each layout of workers."""

import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from real_clients import ClientTestCase  # noqa: E402

PROGRAMS = ("chat_test", "e2e_test", "sliding_test")


@unittest.skipIf("WEFT_URL" in os.environ, "makes its own clusters")
class Layouts(ClientTestCase):
    def setUp(self) -> None:
        """The cluster differs by test."""

    def test_no_workers(self):
        self.talk_on("none")

    def test_one_worker_of_each_kind(self):
        self.talk_on("synchrotron=1,event_persister=1,client_reader=1")

    def test_two_synchrotrons_and_two_client_readers(self):
        self.talk_on("synchrotron=2,client_reader=2,event_persister=1")

    def test_two_event_persisters(self):
        self.talk_on("synchrotron=1,client_reader=1,event_persister=2")

    def talk_on(self, scale: str) -> None:
        self.scale = scale
        super().setUp()
        self.run_programs(PROGRAMS)
        self.cluster.wait_healthy()


if __name__ == "__main__":
    unittest.main(verbosity=2)
