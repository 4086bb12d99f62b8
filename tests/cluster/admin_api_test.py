"""The admin API, by its shapes and by what it does in every process; and the launcher's commands."""

import re
import sys
import unittest
from pathlib import Path
from typing import Optional
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import Client, MatrixError, SyncLoop, wait_for  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

PASSWORD = "correct horse"
#: More than one chain of differences holds.
STATE_CHANGES = 210


class AdminApi(ClusterTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cluster.weft("register", "root", "--admin", "--password", PASSWORD)
        self.root = self.cluster.client().login("root")

    def call(self, method: str, path: str, body: Optional[dict] = None, by: Optional[Client] = None):
        def send():
            return (by or self.root).request_once(method, f"/_synapse/admin{path}", body)

        status, answer = send()
        if status == 503 and "errcode" not in answer:  # the proxy's own: the master starts again
            wait_for("the master answers", lambda: send()[0] != 503)
            status, answer = send()
        if status not in (200, 201):
            raise MatrixError(status, answer)
        return answer

    def refused(self, errcode: str, method: str, path: str, body: Optional[dict] = None, by=None):
        with self.assertRaises(MatrixError) as caught:
            self.call(method, path, body, by)
        self.assertEqual(caught.exception.errcode, errcode)

    def test_users(self):
        alice = self.cluster.register("alice")
        self.refused("M_FORBIDDEN", "GET", "/v2/users", by=alice)
        server_name = alice.user_id.partition(":")[2]
        bob = f"@bob:{server_name}"
        made = self.call(
            "PUT", f"/v2/users/{bob}", {"password": "bobs password", "displayname": "Bob"}
        )
        self.assertEqual((made["name"], made["displayname"], made["admin"]), (bob, "Bob", False))
        self.assertFalse(made["deactivated"])

        listed = self.call("GET", "/v2/users?order_by=creation_ts&dir=b&limit=2")
        self.assertEqual(listed["total"], 3)
        self.assertEqual(len(listed["users"]), 2)
        rest = self.call("GET", f"/v2/users?order_by=creation_ts&dir=b&from={listed['next_token']}")
        self.assertEqual(len(rest["users"]), 1)
        self.assertNotIn("next_token", rest)
        found = self.call("GET", "/v2/users?name=BOB")
        self.assertEqual([user["name"] for user in found["users"]], [bob])
        self.refused("M_INVALID_PARAM", "GET", "/v2/users?order_by=password_hash")
        self.refused("M_NOT_FOUND", "GET", f"/v2/users/@nobody:{server_name}")

        changed = self.call("PUT", f"/v2/users/{bob}", {
            "admin": True, "threepids": [{"medium": "email", "address": "Bob@example.org"}],
        })  # fmt: skip
        self.assertTrue(changed["admin"])
        self.assertEqual(changed["threepids"][0]["address"], "bob@example.org")
        self.call("PUT", f"/v1/users/{bob}/admin", {"admin": False})
        self.assertEqual(self.call("GET", f"/v1/users/{bob}/admin"), {"admin": False})

        session = self.cluster.client().login("bob", "bobs password")
        devices = self.call("GET", f"/v2/users/{bob}/devices")
        self.assertEqual(devices["total"], 1)
        self.call("POST", f"/v1/reset_password/{bob}", {"new_password": "other"})
        self.assert_logged_out(session)
        self.cluster.client().login("bob", "other")
        token = self.call("POST", f"/v1/users/{bob}/login", {})["access_token"]
        as_bob = Client(self.cluster.url, bob, token)
        self.assertEqual(as_bob.get("/account/whoami")["user_id"], bob)
        as_bob.close()

        room_id = alice.create_room(preset="public_chat")
        self.cluster.client().login("bob", "other").join(room_id)
        self.assertEqual(
            self.call("GET", f"/v1/users/{bob}/joined_rooms"), {"joined_rooms": [room_id], "total": 1}
        )
        self.call("POST", f"/v1/deactivate/{bob}", {"erase": True})
        shown = self.call("GET", f"/v2/users/{bob}")
        self.assertTrue(shown["deactivated"] and shown["erased"])
        self.assertEqual((shown["displayname"], shown["threepids"]), (None, []))
        wait_for(
            "bob has left",
            lambda: self.call("GET", f"/v1/users/{bob}/joined_rooms")["total"] == 0,
        )
        with self.assertRaises(MatrixError):
            self.cluster.client().login("bob", "other")
        self.call("PUT", f"/v2/users/{bob}", {"deactivated": False, "password": "back again"})
        self.cluster.client().login("bob", "back again")

    def test_rooms(self):
        alice, bob, room_id = self.room_of_two()
        alice.put(f"/rooms/{room_id}/state/m.room.topic", {"topic": "warp and weft"})
        listed = self.call("GET", "/v1/rooms?search_term=loom")
        self.assertEqual([room["room_id"] for room in listed["rooms"]], [room_id])
        self.assertEqual((listed["total_rooms"], listed["offset"]), (1, 0))
        path = f"/v1/rooms/{quote(room_id, safe='')}"
        room = self.call("GET", path)
        self.assertEqual((room["name"], room["topic"]), ("Loom", "warp and weft"))
        self.assertEqual((room["joined_members"], room["joined_local_members"]), (2, 2))
        self.assertEqual(room["join_rules"], "public")
        members = self.call("GET", f"{path}/members")
        self.assertEqual(members, {"members": sorted([alice.user_id, bob.user_id]), "total": 2})
        types = {event["type"] for event in self.call("GET", f"{path}/state")["state"]}
        self.assertLessEqual({"m.room.create", "m.room.topic", "m.room.member"}, types)

        self.call("POST", f"{path}/make_room_admin", {"user_id": bob.user_id})
        bob.put(f"/rooms/{room_id}/state/m.room.topic", {"topic": "bob's now"})
        carol = self.cluster.register("carol")
        joined = self.call("POST", f"/v1/join/{quote(room_id)}", {"user_id": carol.user_id})
        self.assertEqual(joined, {"room_id": room_id})

        self.call("PUT", f"{path}/block", {"block": True})
        self.assertTrue(self.call("GET", f"{path}/block")["block"])
        carol.leave(room_id)
        with self.assertRaises(MatrixError):
            carol.join(room_id)
        self.call("PUT", f"{path}/block", {"block": False})
        carol.join(room_id)

    def test_history_is_purged_up_to_an_event(self):
        alice, _, room_id = self.room_of_two()
        sent = [alice.send(room_id, f"message {number}") for number in range(5)]
        path = f"/v1/purge_history/{quote(room_id, safe='')}/{quote(sent[3], safe='')}"
        purge_id = self.call("POST", path, {"delete_local_events": True})["purge_id"]
        wait_for(
            "the purge",
            lambda: self.call("GET", f"/v1/purge_history_status/{purge_id}")["status"] == "complete",
        )
        bodies = [event["content"]["body"] for event in alice.all_messages(room_id)]
        self.assertEqual(bodies, ["message 3", "message 4"])
        alice.send(room_id, "after")
        fresh = self.cluster.register("dora")
        fresh.join(room_id)
        timeline = fresh.sync()["rooms"]["join"][room_id]["timeline"]["events"]
        found = [each["content"]["body"] for each in timeline if each["type"] == "m.room.message"]
        self.assertEqual(found, ["message 3", "message 4", "after"])

    def test_a_deleted_room_is_gone_from_every_process_although_the_master_was_killed(self):
        alice, bob, room_id = self.room_of_two()
        alice.send(room_id, "soon gone")
        crowd = [self.cluster.register(f"user{number}") for number in range(20)]
        for user in crowd:
            user.join(room_id)
        path = f"/v2/rooms/{quote(room_id, safe='')}"
        body = {"new_room_user_id": self.root.user_id, "message": "It is over", "block": True}
        delete_id = self.call("DELETE", path, body)["delete_id"]
        self.cluster.wait_restarted("master", self.cluster.kill("master"))

        def status():
            return self.call("GET", f"/v2/rooms/delete_status/{delete_id}")

        wait_for("the room is deleted", lambda: status()["status"] != "shutting_down", seconds=60)
        done = status()
        self.assertEqual(done["status"], "complete", done)
        everybody = {alice.user_id, bob.user_id, *(user.user_id for user in crowd)}
        self.assertEqual(set(done["shutdown_room"]["kicked_users"]), everybody)
        self.assertEqual(self.call("GET", f"{path}/delete_status")["results"][0]["status"], "complete")
        self.refused("M_NOT_FOUND", "GET", f"/v1/rooms/{quote(room_id, safe='')}")
        left = self.cluster.sql(f"SELECT count(*) FROM events WHERE room_id = '{room_id}'")
        self.assertEqual(left, "0")
        new_room = done["shutdown_room"]["new_room_id"]
        self.assertIn(new_room, alice.get("/joined_rooms")["joined_rooms"])
        for name in self.cluster.processes():
            direct = alice.sibling(self.cluster.url_of(name))
            with self.assertRaises(MatrixError, msg=name):
                direct.join(room_id)
            direct.close()

    def test_registration_tokens(self):
        made = self.call("POST", "/v1/registration_tokens/new", {"uses_allowed": 2})
        self.assertEqual((made["uses_allowed"], made["completed"], len(made["token"])), (2, 0, 16))
        path = f"/v1/registration_tokens/{made['token']}"
        self.assertEqual(self.call("PUT", path, {"uses_allowed": 0})["uses_allowed"], 0)
        self.assertEqual(self.call("GET", "/v1/registration_tokens?valid=true"), {"registration_tokens": []})
        self.refused("M_INVALID_PARAM", "POST", "/v1/registration_tokens/new", {"token": "a b"})
        self.call("DELETE", path)
        self.refused("M_NOT_FOUND", "GET", path)
        self.assertTrue(self.call("GET", "/v1/server_version")["server_version"].startswith("Weft "))

    def test_the_launchers_commands(self):
        alice, bob, room_id = self.room_of_two()
        self.assertIn(alice.user_id, self.cluster.weft("users list", "alice"))
        self.assertIn("Loom", self.cluster.weft("rooms list"))
        password = self.cluster.weft("users reset-password", alice.user_id).split()[-1]
        self.assert_logged_out(alice)
        self.cluster.client().login(alice.user_id, password)
        self.assertIn("2 users were in it", self.cluster.weft("rooms delete", room_id))
        self.assertNotIn(room_id, self.cluster.weft("rooms list"))
        self.cluster.weft("users deactivate", bob.user_id)
        self.assert_logged_out(bob)
        self.assertEqual(len(self.cluster.weft("token create", "--uses", "1").strip()), 16)

    def test_state_groups_are_compacted_while_the_room_is_in_use(self):
        alice, bob, room_id = self.room_of_two()
        topic = f"/rooms/{quote(room_id)}/state/m.room.topic"
        for number in range(STATE_CHANGES):
            alice.put(topic, {"topic": f"topic {number}"})
        last = f"topic {STATE_CHANGES - 1}"
        wait_for("the last topic", lambda: alice.get(topic)["topic"] == last)
        before = alice.state(room_id)
        listening = SyncLoop(bob).start()
        self.addCleanup(listening.stop)

        said = self.cluster.weft("db compact-state")
        sizes = dict(re.findall(r"^(before|after): +\d+ groups, (\d+) rows", said, re.MULTILINE))
        self.assertEqual(set(sizes), {"before", "after"}, said)
        self.assertRegex(said, r"\n[1-9]\d* groups rewritten")
        self.assertLess(int(sizes["after"]), int(sizes["before"]), said)

        # Neither what is in memory nor what is read anew has changed, and the room goes on.
        self.assertEqual(ids(alice.state(room_id)), ids(before))
        alice.put(topic, {"topic": "compacted"})

        def told() -> list:
            return [event["content"].get("topic") for event in listening.timelines.get(room_id, [])]

        listening.wait_for("the new topic", lambda: "compacted" in told())
        old = next(event for event in before if event["type"] == "m.room.topic")
        context = alice.get(f"/rooms/{quote(room_id)}/context/{quote(old['event_id'])}", limit=0)
        self.assertEqual(ids(context["state"]), ids(before))

    def assert_logged_out(self, client: Client) -> None:
        with self.assertRaises(MatrixError) as caught:
            client.get("/account/whoami")
        self.assertEqual(caught.exception.status, 401)


def ids(state: list) -> dict:
    return {(event["type"], event["state_key"]): event["event_id"] for event in state}


if __name__ == "__main__":
    unittest.main(verbosity=2)
