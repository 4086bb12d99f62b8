"""Each layout of workers: what one user does reaches the other, whichever processes serve them."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import Client, SyncLoop  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402


class Layouts(ClusterTestCase):
    def setUp(self) -> None:
        """The cluster differs by test."""

    def test_no_workers(self):
        self.start_cluster("none")
        self.assertEqual(list(self.cluster.processes()), ["master"])
        self.chat()

    def test_one_worker_of_each_kind(self):
        self.start_cluster("synchrotron=1,event_persister=1,client_reader=1")
        self.assertEqual(
            list(self.cluster.processes()),
            ["master", "synchrotron1", "event_persister1", "client_reader1"],
        )
        self.chat()

    def test_two_synchrotrons_and_two_client_readers(self):
        self.start_cluster("synchrotron=2,client_reader=2,event_persister=1")
        self.assertEqual(len(self.cluster.processes()), 6)
        self.chat()

    def test_two_event_persisters(self):
        self.start_cluster("synchrotron=2,client_reader=1,event_persister=2")
        self.chat()

    def test_workers_are_added_and_removed_while_clients_sync(self):
        self.start_cluster("synchrotron=1,event_persister=1")
        alice, bob, room_id = self.room_of_two()
        listening = SyncLoop(bob).start()
        self.addCleanup(listening.stop)
        sent = []
        for scale in (
            "synchrotron=2,client_reader=1,event_persister=1",
            "event_persister=1",
            "none",
        ):
            self.cluster.rescale(scale)
            sent.append(f"after {scale}")
            alice.send(room_id, sent[-1])
            listening.wait_for_body(room_id, sent[-1])
        self.assert_each_once(sent, listening.bodies(room_id), "bob's /sync")
        self.assertEqual(list(self.cluster.processes()), ["master"])

    def chat(self) -> None:
        """Two users do everything that travels on a stream of its own; then nothing lags."""
        alice, bob, room_id = self.room_of_two()
        loops = {client: SyncLoop(client).start() for client in (alice, bob)}
        for loop in loops.values():
            self.addCleanup(loop.stop)
        self.exchange_messages(room_id, alice, bob, loops)
        self.exchange_signals(room_id, alice, loops[bob])
        self.share_account_data(alice, loops[alice])
        self.read_from_every_process(room_id, bob)
        self.cluster.wait_healthy()

    def exchange_messages(self, room_id: str, alice: Client, bob: Client, loops: dict) -> None:
        sent = []
        for turn in range(5):
            for sender in (alice, bob):
                text = f"{sender.user_id} {turn}"
                sender.send(room_id, text)
                sent.append(text)
                for loop in loops.values():
                    loop.wait_for_body(room_id, text)
        for client, loop in loops.items():
            self.assertEqual(loop.bodies(room_id), sent, f"what {client.user_id} saw")

    def exchange_signals(self, room_id: str, alice: Client, loop: SyncLoop) -> None:
        """Typing, a receipt and presence of alice reach the other side."""
        alice.set_typing(room_id, True)
        loop.wait_for("alice is typing", lambda: alice.user_id in typing_users(loop, room_id))
        alice.set_typing(room_id, False)
        loop.wait_for("alice stopped", lambda: alice.user_id not in typing_users(loop, room_id))

        event_id = loop.event_ids(room_id)[-1]
        alice.read_up_to(room_id, event_id)
        loop.wait_for("alice's receipt", lambda: alice.user_id in readers(loop, event_id))

        alice.set_presence("online", "at the loom")
        loop.wait_for(
            "alice's presence",
            lambda: any(
                event["sender"] == alice.user_id
                and event["content"].get("status_msg") == "at the loom"
                for event in list(loop.presence)
            ),
        )

    def share_account_data(self, alice: Client, loop: SyncLoop) -> None:
        content = {"colour": "indigo"}
        alice.set_account_data("org.example.weft", content)
        loop.wait_for(
            "account data",
            lambda: any(
                event["type"] == "org.example.weft" and event["content"] == content
                for event in list(loop.account_data)
            ),
        )

    def read_from_every_process(self, room_id: str, bob: Client) -> None:
        """Each process that serves /sync has everything, also asked past the proxy."""
        bodies = [event["content"]["body"] for event in bob.all_messages(room_id)]
        for name in [*self.cluster.names("synchrotron"), "master"]:
            direct = bob.sibling(self.cluster.url_of(name))
            timeline = direct.sync()["rooms"]["join"][room_id]["timeline"]["events"]
            found = [e["content"]["body"] for e in timeline if e["type"] == "m.room.message"]
            self.assertEqual(found, bodies, f"the timeline that {name} serves")
            direct.close()


def typing_users(loop: SyncLoop, room_id: str) -> list:
    """Who was typing, by the newest notice received."""
    notices = [
        e for e in list(loop.ephemeral) if e["type"] == "m.typing" and e["room_id"] == room_id
    ]
    return notices[-1]["content"]["user_ids"] if notices else []


def readers(loop: SyncLoop, event_id: str) -> set:
    """Whose read receipts for an event were received."""
    found = set()
    for event in list(loop.ephemeral):
        if event["type"] == "m.receipt":
            found |= set(event["content"].get(event_id, {}).get("m.read", {}))
    return found


if __name__ == "__main__":
    unittest.main(verbosity=2)
