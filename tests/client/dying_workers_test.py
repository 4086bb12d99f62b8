"""Real clients (matrix-js-sdk) talk while a synchrotron and an event persister are killed at random moments.

WEFT_SEED replays a run's moments.
"""

import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from random_killer import RandomKiller  # noqa: E402
from real_clients import ClientTestCase  # noqa: E402


@unittest.skipIf("WEFT_URL" in os.environ, "kills processes of its own clusters only")
class DyingWorkers(ClientTestCase):
    """Nothing is lost by clients that repeat what was refused."""

    def setUp(self) -> None:
        """The cluster differs by test."""

    def test_chats_survive_one_of_two_synchrotrons_and_the_persister(self):
        self.talk_on("synchrotron=2,client_reader=1,event_persister=1", ["chat_test", "e2e_test"])

    def test_verification_and_sliding_sync_survive_the_only_synchrotron_and_one_of_two_persisters(self):
        self.talk_on("synchrotron=1,client_reader=1,event_persister=2", ["verification_test", "sliding_test"])

    def talk_on(self, scale: str, programs: list) -> None:
        self.scale = scale
        super().setUp()
        with RandomKiller(self.cluster, ["synchrotron", "event_persister"]) as killer:
            self.run_programs(programs, {"WEFT_WORKERS_DIE": "1"})
        for kind, times in killer.killed.items():
            self.assertGreater(times, 0, f"no {kind} was killed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
