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


@unittest.skipIf("WEFT_URL" in os.environ, "kills processes of its own cluster only")
class DyingWorkers(ClientTestCase):
    scale = "synchrotron=2,client_reader=1,event_persister=1"

    def test_nothing_is_lost_by_clients_that_repeat_what_was_refused(self):
        with RandomKiller(self.cluster, ["synchrotron", "event_persister"]) as killer:
            self.run_programs(("chat_test", "e2e_test"), {"WEFT_WORKERS_DIE": "1"})
        for kind, times in killer.killed.items():
            self.assertGreater(times, 0, f"no {kind} was killed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
