"""Notifications reach a push gateway, whichever processes take the message and send it on."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import wait_for  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402
from web_peer import WebPeer  # noqa: E402


class Pushing(ClusterTestCase):
    #: The gateway of these tests is on this machine.
    config = {"ip_range_whitelist": ["127.0.0.1"]}

    def setUp(self) -> None:
        self.rejected: list = []
        self.gateway = WebPeer(lambda request: (200, {"rejected": self.rejected})).start()
        self.addCleanup(self.gateway.close)

    def test_the_master_pushes_where_there_is_no_pusher(self):
        self.start_cluster("synchrotron=1,event_persister=1,client_reader=1")
        self.push_and_reject()

    def test_a_pusher_pushes_and_goes_on_after_it_was_killed(self):
        self.start_cluster("synchrotron=1,event_persister=1,client_reader=1,pusher=1")
        self.assertIn("pusher1", self.cluster.processes())
        alice, bob, room_id = self.room_of_two()
        self.set_pusher(bob)
        alice.send(room_id, "before")
        self.wait_for_body("before")
        pid = self.cluster.kill("pusher1")
        alice.send(room_id, "meanwhile")
        self.cluster.wait_restarted("pusher1", pid)
        self.wait_for_body("meanwhile")
        alice.send(room_id, "after")
        self.wait_for_body("after")
        self.assertEqual(self.bodies()[-2:], ["meanwhile", "after"])
        self.push_and_reject()

    def test_users_are_divided_among_pushers(self):
        self.start_cluster("event_persister=1,pusher=2")
        alice = self.cluster.register("alice")
        room_id = alice.create_room(preset="public_chat")
        others = [self.cluster.register(f"user{i}") for i in range(6)]
        for other in others:
            other.join(room_id)
            self.set_pusher(other, pushkey=other.user_id)
        alice.send(room_id, "to all")
        keys = {other.user_id for other in others}

        def told() -> list:
            notifications = [request.body["notification"] for request in self.gateway.received]
            return [n["devices"][0]["pushkey"] for n in notifications if n.get("type") == "m.room.message"]

        wait_for("everybody's notification", lambda: set(told()) == keys)
        self.assertEqual(len(told()), len(keys))

    def push_and_reject(self) -> None:
        alice, bob, room_id = self.room_of_two()
        self.set_pusher(bob)
        event_id = alice.send(room_id, "hello")
        request = self.wait_for_body("hello")
        self.assertEqual(request.path, "/_matrix/push/v1/notify")
        notification = request.body["notification"]
        self.assertEqual(notification["event_id"], event_id)
        self.assertEqual(notification["counts"], {"unread": 1})
        bob.read_up_to(room_id, event_id)
        wait_for("the badge", lambda: self.gateway.received[-1].body["notification"]["counts"] == {"unread": 0})

        self.rejected = [bob.user_id]
        alice.send(room_id, "to a key that is no good")
        wait_for("the pusher is gone", lambda: not bob.get("/pushers")["pushers"])
        self.rejected = []

    def set_pusher(self, client, pushkey: str = "") -> None:
        client.post("/pushers/set", {
            "app_id": "org.example.app", "pushkey": pushkey or client.user_id, "kind": "http",
            "app_display_name": "Loom", "device_display_name": "Phone", "lang": "en",
            "data": {"url": f"{self.gateway.url}/_matrix/push/v1/notify"},
        })  # fmt: skip

    def bodies(self) -> list:
        notifications = [request.body["notification"] for request in list(self.gateway.received)]
        return [n["content"].get("body") for n in notifications if n.get("type") == "m.room.message"]

    def wait_for_body(self, body: str):
        def found():
            return next(
                (
                    request
                    for request in reversed(list(self.gateway.received))
                    if request.body["notification"].get("content", {}).get("body") == body
                ),
                None,
            )

        return wait_for(f"a notification of '{body}'", found)


class Blocked(ClusterTestCase):
    """Without an exception, private networks are out of reach."""

    def test_a_gateway_on_this_machine_is_not_asked(self):
        gateway = WebPeer().start()
        self.addCleanup(gateway.close)
        alice, bob, room_id = self.room_of_two()
        bob.post("/pushers/set", {
            "app_id": "org.example.app", "pushkey": "key", "kind": "http", "app_display_name": "Loom",
            "device_display_name": "Phone", "lang": "en",
            "data": {"url": f"{gateway.url}/_matrix/push/v1/notify"},
        })  # fmt: skip
        alice.send(room_id, "hello")
        wait_for(
            "the failure is noted",
            lambda: self.cluster.sql("SELECT count(*) FROM pushers WHERE failing_since IS NOT NULL") == "1",
        )
        self.assertEqual(gateway.received, [])


if __name__ == "__main__":
    unittest.main()
