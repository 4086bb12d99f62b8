"""A client reader of Synapse 1.15, played over HTTP as one was recorded: it knows no secret, asks people
itself, and lets the master register them, log them in and turn their invites down."""

import http.client
import json
import socket
import sys
import unittest
import uuid
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import PREFIX, Client, wait_for  # noqa: E402
from weft_cluster import TOP, ClusterTestCase  # noqa: E402

TRANSCRIPT = TOP / "tests/data/replication/transcripts/w03_generic_worker_writes.http.txt"

PASSWORD = "open sesame"
#: As the worker hashes it: bcrypt.
PASSWORD_HASH = "$2b$04$rSo5U8p3uvK3dnU/AbO8fODS8Uk4OC8WLXCgKicrWhJQChbe/DPTW"


class SynapseWorker(ClusterTestCase):
    config = {"allow_unauthenticated_rpc": True}

    def setUp(self) -> None:
        super().setUp()
        port = self.cluster.processes()["master"]["ports"]["rpc"]
        self.master = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.addCleanup(self.master.close)
        config = self.cluster.data_dir / "homeserver.yaml"
        self.server_name = config.read_text().split("server_name:")[1].split()[0].strip("'\"")

    def call(self, name: str, *args: str, body=None, transaction: str = "") -> tuple:
        """(status, body) of a call as Synapse makes it: arguments percent-encoded throughout."""
        path = "/".join(quote(arg, safe="") for arg in (*args, transaction) if arg)
        self.master.request(
            "POST",
            f"/_synapse/replication/{name}/{path}",
            json.dumps(body or {}, separators=(",", ":"), sort_keys=True),
            {"Content-Type": "application/json", "User-Agent": "Synapse/1.15.0"},
        )
        response = self.master.getresponse()
        return response.status, json.loads(response.read())

    def ask(self, name: str, *args: str, body=None):
        """The answer of a call with a request ID, which a repeated call gets again."""
        transaction = uuid.uuid4().hex[:10]
        first = self.call(name, *args, body=body, transaction=transaction)
        self.assertEqual(first[0], 200, first)
        self.assertEqual(self.call(name, *args, body=body, transaction=transaction), first)
        return first[1]

    def register(self, name: str) -> Client:
        """What the worker does for POST /register."""
        user_id = f"@{name}-{uuid.uuid4().hex[:8]}:{self.server_name}"
        account = {
            "address": "127.0.0.1",
            "admin": False,
            "appservice_id": None,
            "create_profile_with_displayname": name,
            "make_guest": False,
            "password_hash": PASSWORD_HASH,
            "user_type": None,
            "was_guest": False,
        }
        self.assertEqual(self.ask("register_user", user_id, body=account), {})
        client = self.log_in(user_id)
        shown = {"access_token": client.token, "auth_result": {"m.login.dummy": True}}
        self.assertEqual(self.ask("post_register", user_id, body=shown), {})
        return client

    def log_in(self, user_id: str) -> Client:
        """What the worker does for POST /login."""
        device = {"device_id": None, "initial_display_name": None, "is_guest": False}
        answer = self.ask("device_check_registered", user_id, body=device)
        self.assertEqual(sorted(answer), ["access_token", "device_id"])
        client = self.cluster.client()
        client.user_id, client.token = user_id, answer["access_token"]
        who = client.get("/account/whoami")
        self.assertEqual((who["user_id"], who["device_id"]), (user_id, answer["device_id"]))
        return client

    def test_accounts_made_by_the_worker_are_accounts(self):
        walter = self.register("walter")
        again = self.log_in(walter.user_id)
        self.assertNotEqual(again.token, walter.token)
        self.assertEqual(len(walter.get("/devices")["devices"]), 2)
        self.assertEqual(walter.get(f"/profile/{walter.user_id}/displayname"), {"displayname": "walter"})
        # The hash is that of a password for Weft's own /login, too.
        login = self.cluster.client().request(
            "POST",
            f"{PREFIX}/login",
            {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": walter.user_id},
                "password": PASSWORD,
            },
        )
        self.assertEqual(login["user_id"], walter.user_id)

    def test_an_invite_turned_down_by_the_worker_reaches_every_sync(self):
        alice, bob = self.cluster.register("alice"), self.register("bob")
        room_id = alice.create_room(preset="private_chat")
        alice.post(f"/rooms/{room_id}/invite", {"user_id": bob.user_id})

        def invited() -> bool:
            return room_id in bob.sync().get("rooms", {}).get("invite", {})

        wait_for("the invite", invited)

        answer = self.ask("locally_reject_invite", room_id, bob.user_id)
        self.assertEqual(list(answer), ["stream_id"])
        wait_for("no invite any more", lambda: not invited())
        membership = alice.get(f"/rooms/{room_id}/state/m.room.member/{bob.user_id}")
        self.assertEqual(membership["membership"], "leave")
        self.assertEqual(self.call("membership_change", room_id, bob.user_id, "left"), (200, {}))
        self.cluster.wait_healthy()

    def test_other_servers_are_out_of_reach_but_may_be_named(self):
        far = "!far:elsewhere.example"
        self.assertEqual(self.ask("store_room_on_invite", far, body={"room_version": "5"}), {})
        self.assertEqual(
            self.cluster.sql(f"SELECT room_version FROM rooms WHERE room_id = '{far}'"), "5"
        )
        self.assertEqual(self.call("user_device_resync", "@carol:elsewhere.example"), (200, None))
        status, answer = self.call("register_user", "@carol:elsewhere.example", transaction="t")
        self.assertEqual((status, answer["errcode"]), (400, "M_BAD_JSON"))
        status, answer = self.call("membership_change", far, "@carol:elsewhere.example", "banned")
        self.assertEqual((status, answer["errcode"]), (400, "M_INVALID_PARAM"))


class Recorded(ClusterTestCase):
    """The calls of a real worker, byte for byte, and the shapes of a real master's answers."""

    scale = "none"
    config = {"allow_unauthenticated_rpc": True}
    options = ("--server-name", "localhost:8800")

    def test_a_recorded_worker_is_answered_as_its_master_did(self):
        port = self.cluster.processes()["master"]["ports"]["rpc"]
        answered = []
        for name, request, recorded in recorded_calls():
            if name == "send_event":
                continue  # on state groups of the recorded database
            with self.subTest(call=name):
                with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                    connection.sendall(request)
                    response = http.client.HTTPResponse(connection)
                    response.begin()
                    answer = json.loads(response.read())
                self.assertEqual(response.status, 200, answer)
                self.assertEqual(shape(answer), shape(recorded))
                answered.append(name)
        self.assertEqual(
            {name: answered.count(name) for name in answered},
            {
                "register_user": 2,
                "device_check_registered": 3,
                "post_register": 2,
                "membership_change": 1,
            },
        )


def recorded_calls() -> list:
    """(name, request, body of the answer) of each POST that a recorded worker sent."""
    calls, open_requests = [], {}
    for line in TRANSCRIPT.read_text().splitlines():
        fields = line.split("\t", 3)
        if len(fields) < 4 or fields[2] not in ("C>S", "S>C"):
            continue
        text = json.loads(fields[3])
        if fields[2] == "C>S":
            open_requests[fields[1]] = text
        elif (request := open_requests.pop(fields[1])).startswith("POST "):
            name = request.split("/_synapse/replication/")[1].split("/")[0]
            calls.append((name, request.encode(), json.loads(text.split("\r\n\r\n", 1)[1])))
    return calls


def shape(answer: dict) -> dict:
    return {key: type(value) for key, value in answer.items()}


class WithoutPermission(ClusterTestCase):
    scale = "none"

    def test_who_knows_no_secret_is_turned_away(self):
        port = self.cluster.processes()["master"]["ports"]["rpc"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.addCleanup(connection.close)
        for name in ("register_user/%40x%3Ah/t", "device_check_registered/%40x%3Ah/t"):
            connection.request("POST", f"/_synapse/replication/{name}", "{}")
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.status, 403, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
