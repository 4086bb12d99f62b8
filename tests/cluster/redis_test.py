"""The death of Redis itself. Whatever else holds on Redis is tested by the other files: CTest runs them
a second time with WEFT_TEST_ON_REDIS=1."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import layouts_test  # noqa: E402
from matrix_client import SyncLoop, wait_for  # noqa: E402
from traffic import Sender  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

MESSAGES = 150


class RedisKill(ClusterTestCase):
    options = ("--redis",)

    def test_nothing_is_lost_when_redis_dies_during_traffic(self):
        alice, bob, room_id = self.room_of_two()
        listening = SyncLoop(bob).start()
        self.addCleanup(listening.stop)
        sender = Sender(alice, room_id, MESSAGES, prefix="message").start()
        self.addCleanup(sender.stop)
        for part in (1, 2):
            sender.wait_for_acknowledged(MESSAGES * part // 3)
            self.cluster.kill_service("redis")
        sender.finish()

        listening.wait_for_body(room_id, f"message {MESSAGES - 1}", seconds=60)
        self.assertEqual(listening.bodies(room_id), sender.bodies(), "bob's /sync")
        stored = [event["event_id"] for event in bob.all_messages(room_id)]
        self.assertEqual(stored, sender.event_ids(), "/messages")

        # Also for streams that only memory holds.
        wait_for(
            "every process is back on the channel",
            lambda: all(p["replication"] == "up" for p in self.cluster.processes().values()),
            interval=0.2,
        )
        self.cluster.wait_healthy()
        alice.set_typing(room_id, True)
        listening.wait_for(
            "alice is typing",
            lambda: alice.user_id in layouts_test.typing_users(listening, room_id),
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
