"""A worker of a real Synapse 1.15 takes part in the cluster: reads, writes, and outlives deaths.

Needs WEFT_SYNAPSE_PYTHON (docs/testing.md), and is skipped without.
"""

import os
import signal
import sys
import unittest
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import MatrixError, SyncLoop, wait_for  # noqa: E402
from synapse_worker import PYTHON, SynapseWorker  # noqa: E402
from weft_cluster import UNLIMITED_RATES, ClusterTestCase  # noqa: E402


@unittest.skipUnless(PYTHON, "there is no Synapse 1.15 here: WEFT_SYNAPSE_PYTHON is not set")
class RealSynapse(ClusterTestCase):
    config = {
        **UNLIMITED_RATES,
        "replication_dialect": "synapse-1.15",
        "allow_unauthenticated_rpc": True,
        "default_room_version": "6",
    }

    def setUp(self) -> None:
        super().setUp()
        self.synapse = SynapseWorker(self.cluster)
        self.addCleanup(self._show_log_after_failure)
        self.addCleanup(self.synapse.stop)
        self.synapse.start()
        self.alice, self.bob, self.room_id = self.room_of_two()
        self.at_weft, self.at_synapse = self.listen(self.alice), self.listen(self.synapse.client(self.bob))

    def _show_log_after_failure(self) -> None:
        if self.has_failed():
            print(self.synapse.log()[-10_000:], file=sys.stderr, flush=True)

    def listen(self, user) -> SyncLoop:
        loop = SyncLoop(user).start()
        self.addCleanup(loop.stop)
        return loop

    def wait_for_everywhere(self, bodies: list) -> None:
        """The messages are what came last, in this order, by both /syncs."""
        for loop in (self.at_weft, self.at_synapse):
            loop.wait_for_body(self.room_id, bodies[-1], seconds=60)
            self.assertEqual(loop.bodies(self.room_id)[-len(bodies) :], bodies)

    def test_what_weft_writes_reaches_synapse(self):
        alice, bob, old, room_id = self.alice, self.bob, self.synapse.client(self.bob), self.room_id
        seen = self.at_synapse
        event_id = alice.send(room_id, "hello")
        seen.wait_for_body(room_id, "hello")
        alice.set_typing(room_id, True)
        seen.wait_for("typing", lambda: self._ephemeral("m.typing", lambda c: alice.user_id in c["user_ids"]))
        alice.read_up_to(room_id, event_id)
        seen.wait_for("a receipt", lambda: self._ephemeral("m.receipt", lambda c: event_id in c))
        alice.set_presence("online", "at the loom")
        seen.wait_for(
            "presence",
            lambda: any(p["content"].get("status_msg") == "at the loom" for p in list(seen.presence)),
        )
        bob.set_account_data("org.weft.colour", {"is": "blue"})
        seen.wait_for(
            "account data", lambda: any(d["content"] == {"is": "blue"} for d in list(seen.account_data))
        )
        alice.put(f"/rooms/{room_id}/state/m.room.name/", {"name": "Warp"})
        name = f"/rooms/{room_id}/state/m.room.name/"
        wait_for("the new name", lambda: old.get(name) == {"name": "Warp"})

    def _ephemeral(self, kind: str, matches) -> bool:
        return any(e["type"] == kind and matches(e["content"]) for e in list(self.at_synapse.ephemeral))

    def test_messages_to_devices_and_their_keys_reach_synapse(self):
        alice, old = self.alice, self.synapse.client(self.bob)
        device = {user: user.get("/account/whoami")["device_id"] for user in (alice, self.bob)}
        since = old.sync()["next_batch"]
        messages = {self.bob.user_id: {device[self.bob]: {"thread": "red"}}}
        alice.put("/sendToDevice/org.weft.test/1", {"messages": messages})
        key = {f"ed25519:{device[alice]}": "b" * 43, f"curve25519:{device[alice]}": "a" * 43}
        device_keys = {
            "user_id": alice.user_id,
            "device_id": device[alice],
            "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
            "keys": key,
            "signatures": {alice.user_id: {f"ed25519:{device[alice]}": "c" * 86}},
        }
        alice.post("/keys/upload", {"device_keys": device_keys})
        arrived, changed = [], set()

        def both_came() -> bool:
            nonlocal since
            answer = old.get("/sync", since=since, timeout=500)
            since = answer["next_batch"]
            arrived.extend(event["content"] for event in answer["to_device"]["events"])
            changed.update(answer["device_lists"]["changed"])
            return bool(arrived) and alice.user_id in changed

        wait_for("the message and the change of devices", both_came)
        self.assertEqual(arrived, [{"thread": "red"}])
        answer = old.post("/keys/query", {"device_keys": {alice.user_id: []}})
        self.assertEqual(answer["device_keys"][alice.user_id][device[alice]]["keys"], key)

    def test_what_synapse_writes_reaches_weft(self):
        alice, old, room_id = self.alice, self.synapse.client(self.bob), self.room_id
        bodies = [f"pick {n}" for n in range(20)]
        for n, body in enumerate(bodies):
            (old if n % 2 else alice).send(room_id, body)
        self.wait_for_everywhere(bodies)
        self.assertEqual([m["content"]["body"] for m in alice.all_messages(room_id)], bodies)
        self.assertEqual([m["content"]["body"] for m in old.all_messages(room_id)], bodies)
        creator = self.synapse.client(alice)
        creator.put(f"/rooms/{room_id}/state/m.room.topic/", {"topic": "yarn"})
        self.assertEqual(alice.get(f"/rooms/{room_id}/state/m.room.topic/"), {"topic": "yarn"})
        for version in ("1", "2", "3", "4", "5", "6"):
            room = alice.create_room(preset="public_chat", room_version=version)
            old.join(room)
            event_id = old.send(room, "a thread")
            self.assertEqual(alice.all_messages(room)[-1]["event_id"], event_id, f"room version {version}")
        forks = "SELECT prev_event_id FROM event_edges GROUP BY 1 HAVING count(*) > 1"
        self.assertEqual(self.cluster.sql(forks), "")

    def test_people_come_and_go_by_synapse(self):
        carol = self.cluster.register("carol")
        old = self.synapse.client(carol)
        membership = f"/rooms/{self.room_id}/state/m.room.member/{carol.user_id}"
        old.join(self.room_id)
        self.assertEqual(self.alice.get(membership)["membership"], "join")
        old.leave(self.room_id)
        self.assertEqual(self.alice.get(membership)["membership"], "leave")
        private = self.alice.create_room(preset="private_chat")
        self.alice.post(f"/rooms/{private}/invite", {"user_id": carol.user_id})
        wait_for("the invite", lambda: private in old.sync()["rooms"]["invite"])
        old.leave(private)
        wait_for("it is gone", lambda: private not in carol.sync().get("rooms", {}).get("invite", {}))
        self.synapse.client(self.alice).post(f"/rooms/{private}/invite", {"user_id": carol.user_id})
        wait_for("the next one", lambda: private in carol.sync().get("rooms", {}).get("invite", {}))
        carol.join(private)
        wait_for("she is in", lambda: private in old.sync()["rooms"]["join"])

    def test_accounts_are_made_and_used_by_synapse(self):
        name = f"dave-{uuid.uuid4().hex[:8]}"
        dave = self.synapse.client().register(name)
        known = self.cluster.client()
        known.user_id, known.token = dave.user_id, dave.token
        self.assertEqual(known.get("/account/whoami")["user_id"], dave.user_id)
        known.join(self.room_id)
        wait_for("he is in", lambda: self.room_id in dave.sync()["rooms"]["join"])
        # A password that Weft has hashed.
        again = self.synapse.client().login(self.alice.user_id)
        known = self.cluster.client()
        known.user_id, known.token = again.user_id, again.token
        known.post("/logout")

        def is_refused() -> bool:
            try:
                again.sync()
            except MatrixError as error:
                return error.status == 401
            return False

        wait_for("the token is worth nothing any more", is_refused)

    def test_unread_counts_and_push_rules_are_the_same(self):
        alice, bob, old, room_id = self.alice, self.bob, self.synapse.client(self.bob), self.room_id

        def counts(client) -> tuple:
            unread = client.sync()["rooms"]["join"][room_id]["unread_notifications"]
            return unread.get("notification_count", 0), unread.get("highlight_count", 0)

        def both_count(notifications: int, highlights: int) -> None:
            wanted = (notifications, highlights)
            wait_for(f"{wanted} unread", lambda: counts(bob) == counts(old) == wanted)

        # Synapse of then counts nothing before the first receipt.
        bob.read_up_to(room_id, alice.send(room_id, "read"))
        both_count(0, 0)
        alice.send(room_id, "unread")
        both_count(1, 0)
        bob.put(
            "/pushrules/global/content/shuttle",
            {"pattern": "shuttle", "actions": ["notify", {"set_tweak": "highlight"}]},
        )
        wait_for(
            "the rule",
            lambda: any(r["rule_id"] == "shuttle" for r in old.get("/pushrules/")["global"]["content"]),
        )
        last = self.synapse.client(alice).send(room_id, "where is the shuttle")
        both_count(2, 1)
        bob.read_up_to(room_id, last)
        both_count(0, 0)

    def test_nothing_is_missed_while_processes_pause_and_die(self):
        alice, old, room_id = self.alice, self.synapse.client(self.bob), self.room_id
        os.kill(self.synapse.process.pid, signal.SIGSTOP)
        try:
            paused = [f"paused {n}" for n in range(250)]
            for body in paused:
                alice.send(room_id, body)
        finally:
            os.kill(self.synapse.process.pid, signal.SIGCONT)
        self.wait_for_everywhere(paused)
        for name in ("master", "event_persister1"):
            old_pid = self.cluster.kill(name)
            bodies = [f"{name} {n}" for n in range(20)]
            for n, body in enumerate(bodies):
                (old if n % 2 else alice).send(room_id, body)
            self.wait_for_everywhere(bodies)
            self.cluster.wait_restarted(name, old_pid)


if __name__ == "__main__":
    unittest.main(verbosity=2)
