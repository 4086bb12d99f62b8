"""kill -9 of the master: workers keep serving reads, reconnect, and nothing is lost."""

import os
import signal
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import SyncLoop, wait_for  # noqa: E402
from traffic import Sender  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

MESSAGES = 100


class MasterKill(ClusterTestCase):
    def test_workers_serve_reads_while_the_master_is_away(self):
        alice, bob, room_id = self.room_of_two()
        sent = [f"before {number}" for number in range(10)]
        for body in sent:
            alice.send(room_id, body)
        since = bob.sync()["next_batch"]
        synchrotron = bob.sibling(self.cluster.url_of("synchrotron1"))
        reader = bob.sibling(self.cluster.url_of("client_reader1"))
        self.addCleanup(synchrotron.close)
        self.addCleanup(reader.close)

        # The supervisor would bring the master back before we have read anything: stop the process
        # that would notice, for as long as we read.
        supervisor = self.cluster.status()["supervisor_pid"]
        old_pid = self.cluster.processes()["master"]["pid"]
        os.kill(supervisor, signal.SIGSTOP)
        try:
            os.kill(old_pid, signal.SIGKILL)
            wait_for("the master is gone", lambda: is_dead(old_pid))
            found = [event["content"]["body"] for event in reader.all_messages(room_id)]
            self.assertEqual(found, sent, "/messages without a master")
            types = {event["type"] for event in reader.state(room_id)}
            self.assertIn("m.room.create", types)
            timeline = synchrotron.sync()["rooms"]["join"][room_id]["timeline"]["events"]
            bodies = [e["content"]["body"] for e in timeline if e["type"] == "m.room.message"]
            self.assertEqual(bodies, sent, "an initial /sync without a master")
            self.assertIn("next_batch", synchrotron.sync(since))
            # Through the proxy as well: the routing sends reads past the master.
            self.assertEqual(
                [event["content"]["body"] for event in bob.all_messages(room_id)], sent
            )
        finally:
            os.kill(supervisor, signal.SIGCONT)
        self.cluster.wait_restarted("master", old_pid)
        self.cluster.wait_healthy()

    def test_nothing_is_lost_when_the_master_dies_during_traffic(self):
        alice, bob, room_id = self.room_of_two()
        listening = SyncLoop(bob).start()
        self.addCleanup(listening.stop)
        sender = Sender(alice, room_id, MESSAGES, prefix="message").start()
        self.addCleanup(sender.stop)
        sender.wait_for_acknowledged(MESSAGES // 3)
        old_pid = self.cluster.kill("master")
        sender.finish()
        self.cluster.wait_restarted("master", old_pid)

        listening.wait_for_body(room_id, f"message {MESSAGES - 1}", seconds=60)
        self.assertEqual(listening.bodies(room_id), sender.bodies(), "bob's /sync")

        # Each worker reconnects at a moment of its own: the reader that answers /messages may still
        # be catching up when the synchrotron has delivered everything.
        self.cluster.wait_healthy()
        stored = [event["event_id"] for event in bob.all_messages(room_id)]
        self.assertEqual(stored, sender.event_ids(), "/messages")

        # All workers hear the new master: what goes through it arrives.
        alice.set_typing(room_id, True)
        listening.wait_for(
            "alice is typing",
            lambda: any(
                event["type"] == "m.typing" and alice.user_id in event["content"]["user_ids"]
                for event in list(listening.ephemeral)
            ),
        )


def is_dead(pid: int) -> bool:
    """Gone, or a zombie whose parent has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


if __name__ == "__main__":
    unittest.main(verbosity=2)
