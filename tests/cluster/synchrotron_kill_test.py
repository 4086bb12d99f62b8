"""kill -9 of a synchrotron during traffic: no client misses an event or sees one twice."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import SyncLoop  # noqa: E402
from traffic import Sender  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

MESSAGES = 150


class SynchrotronKill(ClusterTestCase):
    def setUp(self) -> None:
        """The cluster differs by test."""

    def test_the_only_synchrotron_dies_and_comes_back(self):
        self.start_cluster("synchrotron=1,event_persister=1,client_reader=1")
        self.kill_during_traffic(rounds=2)

    def test_one_of_two_synchrotrons_dies(self):
        self.start_cluster("synchrotron=2,event_persister=1,client_reader=1")
        self.kill_during_traffic(rounds=1)

    def kill_during_traffic(self, rounds: int) -> None:
        alice, bob, room_id = self.room_of_two()
        listening = [SyncLoop(client).start() for client in (alice, bob)]
        for loop in listening:
            self.addCleanup(loop.stop)
        sent = []
        for number in range(rounds):
            sender = Sender(alice, room_id, MESSAGES, prefix=f"round {number}").start()
            self.addCleanup(sender.stop)
            sender.wait_for_acknowledged(MESSAGES // 3)
            victim = self.cluster.names("synchrotron")[0]
            old_pid = self.cluster.kill(victim)
            sender.finish()
            sent += sender.bodies()
            for loop in listening:
                loop.wait_for_body(room_id, sent[-1])
            self.cluster.wait_restarted(victim, old_pid)
        for loop in listening:
            loop.check()
            self.assertEqual(loop.bodies(room_id), sent, f"what {loop.client.user_id} saw")

        # The new process has caught up: past the proxy, from a token of before, it has it all.
        self.cluster.wait_healthy()
        since = listening[1].since
        last = alice.send(room_id, "after all")
        for name in self.cluster.names("synchrotron"):
            direct = SyncLoop(bob.sibling(self.cluster.url_of(name)), since)
            self.addCleanup(direct.stop)
            direct.start()
            direct.wait_for("the last event", lambda d=direct: last in d.event_ids(room_id))


if __name__ == "__main__":
    unittest.main(verbosity=2)
