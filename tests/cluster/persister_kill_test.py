"""kill -9 of the event persister amid 200 sends: what is acknowledged is there, exactly once."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import SyncLoop  # noqa: E402
from traffic import Sender  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

MESSAGES = 200


class PersisterKill(ClusterTestCase):
    def test_every_acknowledged_event_is_in_the_room_exactly_once(self):
        alice, bob, room_id = self.room_of_two()
        listening = SyncLoop(bob).start()
        self.addCleanup(listening.stop)

        sender = Sender(alice, room_id, MESSAGES, prefix="message").start()
        self.addCleanup(sender.stop)
        sender.wait_for_acknowledged(MESSAGES // 2)
        old_pid = self.cluster.kill("event_persister1")
        sender.finish()
        self.assertEqual(len(set(sender.event_ids())), MESSAGES)
        self.cluster.wait_restarted("event_persister1", old_pid)

        # A repeated transaction is answered with the event it made, also by the new process.
        for number in range(MESSAGES):
            body = f"message {number}"
            again = alice.send(room_id, body, f"message-{number}")
            self.assertEqual(again, sender.acknowledged[body], f"{body} repeated")

        stored = [event["event_id"] for event in alice.all_messages(room_id)]
        self.assert_each_once(sender.event_ids(), stored, "/messages")
        self.assertEqual(stored, sender.event_ids(), "the order in /messages")

        listening.wait_for_body(room_id, f"message {MESSAGES - 1}")
        messages = [e for e in listening.timelines[room_id] if e["type"] == "m.room.message"]
        synced = [event["event_id"] for event in messages]
        self.assert_each_once(sender.event_ids(), synced, "bob's /sync")
        self.cluster.wait_healthy()


if __name__ == "__main__":
    unittest.main(verbosity=2)
