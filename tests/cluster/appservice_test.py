"""An application service: acts for its users, is told what happens to them, and is asked when somebody looks for them."""

import sys
import tempfile
import unittest
from pathlib import Path
from urllib.parse import quote, unquote

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import Client, MatrixError, wait_for  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402
from web_peer import WebPeer  # noqa: E402

AS_TOKEN = "as-token-of-the-bridge"
HS_TOKEN = "hs-token-of-the-server"

REGISTRATION = """
id: bridge
url: {url}
as_token: {as_token}
hs_token: {hs_token}
sender_localpart: _bridge_bot
rate_limited: false
receive_ephemeral: true
protocols: [loom]
namespaces:
  users: [{{exclusive: true, regex: "@_bridge_.*"}}]
  aliases: [{{exclusive: true, regex: "#_bridge_.*"}}]
  rooms: []
"""


class Appservice(ClusterTestCase):
    scale = "synchrotron=1,event_persister=1,client_reader=1,appservice=1"

    def setUp(self) -> None:
        self.failing = False
        self.service = WebPeer(self.answer).start()
        self.addCleanup(self.service.close)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        file = Path(directory.name) / "bridge.yaml"
        file.write_text(REGISTRATION.format(url=self.service.url, as_token=AS_TOKEN, hs_token=HS_TOKEN))
        self.config = {"app_service_config_files": [str(file)]}
        super().setUp()
        self.cluster.wait_healthy()
        self.server_name = self.cluster.register("probe").user_id.partition(":")[2]

    def answer(self, request) -> tuple:
        if request.token != HS_TOKEN:
            return 403, {"errcode": "M_FORBIDDEN"}
        path = unquote(request.path.partition("?")[0])
        if self.failing:
            return 500, {}
        if path.startswith("/_matrix/app/v1/rooms/#_bridge_made"):
            self.bot().create_room(room_alias_name="_bridge_made", preset="public_chat")
            return 200, {}
        if path == "/_matrix/app/v1/thirdparty/protocol/loom":
            return 200, {"user_fields": [], "location_fields": [], "icon": "mxc://x/y", "field_types": {},
                         "instances": [{"network_id": "net", "desc": "Net", "fields": {}}]}  # fmt: skip
        if path == "/_matrix/app/v1/thirdparty/user/loom":
            return 200, [{"userid": "@_bridge_u:x", "protocol": "loom", "fields": {}}]
        if path.startswith("/_matrix/app/v1/thirdparty/location"):
            return 200, [{"alias": "#_bridge_a:x", "protocol": "loom", "fields": {}}]
        if path.startswith("/_matrix/app/v1/transactions/") or path == "/_matrix/app/v1/ping":
            return 200, {}
        return 404, {"errcode": "M_NOT_FOUND"}

    def bot(self) -> Client:
        return Client(self.cluster.url, f"@_bridge_bot:{self.server_name}", AS_TOKEN)

    def register(self, localpart: str, token: str = AS_TOKEN) -> dict:
        client = Client(self.cluster.url, "", token)
        self.addCleanup(client.close)
        return client.post("/register", {
            "type": "m.login.application_service", "username": localpart, "inhibit_login": True,
        })  # fmt: skip

    def transactions(self) -> list:
        marker = "/_matrix/app/v1/transactions/"
        return [request for request in list(self.service.received) if request.path.startswith(marker)]

    def told(self, key: str = "events") -> list:
        return [item for request in self.transactions() for item in request.body.get(key, [])]

    def wait_for_body(self, body: str) -> dict:
        return wait_for(
            f"'{body}' in a transaction",
            lambda: next((e for e in self.told() if e["content"].get("body") == body), None),
        )

    def errcode(self, function, *arguments, **more) -> str:
        with self.assertRaises(MatrixError) as refused:
            function(*arguments, **more)
        return refused.exception.errcode

    def test_it_acts_for_its_users_and_is_told_what_happens(self):
        self.assertEqual(self.register("_bridge_ann")["user_id"], f"@_bridge_ann:{self.server_name}")
        ann = f"?user_id={quote(f'@_bridge_ann:{self.server_name}')}"
        bot = self.bot()
        alice = self.cluster.register("alice")
        room_id = alice.create_room(preset="public_chat")
        bot.post(f"/join/{quote(room_id)}{ann}")
        alice.send(room_id, "hello bridge")
        event = self.wait_for_body("hello bridge")
        self.assertEqual((event["sender"], event["room_id"]), (alice.user_id, room_id))

        path = f"/rooms/{quote(room_id)}/send/m.room.message/t1{ann}&ts=1234567890123"
        event_id = bot.put(path, {"msgtype": "m.text", "body": "from afar"})["event_id"]
        said = alice.get(f"/rooms/{quote(room_id)}/event/{quote(event_id)}")
        self.assertEqual((said["sender"], said["origin_server_ts"]), (f"@_bridge_ann:{self.server_name}", 1234567890123))
        self.wait_for_body("from afar")

        alice.set_typing(room_id, True)
        alice.read_up_to(room_id, event_id)
        wait_for("typing", lambda: any(e["type"] == "m.typing" and e["content"]["user_ids"] for e in self.told("ephemeral")))
        wait_for("the receipt", lambda: any(event_id in e["content"] for e in self.told("ephemeral") if e["type"] == "m.receipt"))

        elsewhere = alice.create_room(preset="private_chat")
        alice.send(elsewhere, "none of its business")
        alice.send(room_id, "the last")
        self.wait_for_body("the last")
        self.assertNotIn(elsewhere, {event["room_id"] for event in self.told()})
        numbers = [int(request.path.rpartition("/")[2]) for request in self.transactions()]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_what_it_misses_is_sent_again_in_order_unchanged_and_survives_its_sender(self):
        self.register("_bridge_ann")
        alice = self.cluster.register("alice")
        room_id = alice.create_room(preset="public_chat")
        self.bot().post(f"/join/{quote(room_id)}")
        alice.send(room_id, "before")
        self.wait_for_body("before")
        self.failing = True
        sent = [f"missed {i}" for i in range(3)]
        for text in sent:
            alice.send(room_id, text)
        self.wait_for_body("missed 0")
        pid = self.cluster.kill("appservice1")
        self.cluster.wait_restarted("appservice1", pid)
        self.failing = False
        wait_for("everything was sent", lambda: self.cluster.sql("SELECT count(*) FROM application_services_txns") == "0")
        by_number: dict = {}
        for request in self.transactions():
            events = [event["event_id"] for event in request.body["events"]]
            self.assertEqual(by_number.setdefault(int(request.path.rpartition("/")[2]), events), events)
        bodies = [e["content"].get("body") for e in self.told() if e["type"] == "m.room.message"]
        self.assertEqual(list(dict.fromkeys(bodies)), ["before", *sent])

    def test_namespaces_keep_others_out(self):
        client = self.cluster.client()
        self.assertEqual(self.errcode(client.register, "_bridge_thief"), "M_EXCLUSIVE")
        self.assertEqual(self.errcode(client.get, "/register/available", username="_bridge_thief"), "M_EXCLUSIVE")
        self.assertEqual(self.errcode(self.register, "somebody"), "M_EXCLUSIVE")
        self.assertEqual(self.errcode(self.register, "_bridge_x", token="wrong"), "M_UNKNOWN_TOKEN")
        alice = self.cluster.register("alice")
        room_id = alice.create_room()
        alias = quote(f"#_bridge_room:{self.server_name}")
        self.assertEqual(self.errcode(alice.put, f"/directory/room/{alias}", {"room_id": room_id}), "M_EXCLUSIVE")
        self.assertEqual(self.errcode(alice.create_room, room_alias_name="_bridge_room"), "M_EXCLUSIVE")
        mine = self.bot().create_room(room_alias_name="_bridge_room")
        self.assertEqual(alice.get(f"/directory/room/{alias}")["room_id"], mine)
        outside = f"/account/whoami?user_id={quote(alice.user_id)}"
        self.assertEqual(self.errcode(self.bot().get, outside), "M_FORBIDDEN")
        unknown = f"/account/whoami?user_id={quote(f'@_bridge_nobody:{self.server_name}')}"
        self.assertEqual(self.errcode(self.bot().get, unknown), "M_FORBIDDEN")

    def test_login_and_devices(self):
        self.register("_bridge_dev")
        bot = self.bot()
        identifier = {"type": "m.id.user", "user": "_bridge_dev"}
        login = {"type": "m.login.application_service", "identifier": identifier, "device_id": "LOOM"}
        session = bot.post("/login", login)
        self.assertEqual(session["device_id"], "LOOM")
        own = Client(self.cluster.url, session["user_id"], session["access_token"])
        self.addCleanup(own.close)
        self.assertEqual(own.get("/account/whoami")["user_id"], session["user_id"])
        as_device = f"/account/whoami?user_id={quote(session['user_id'])}&device_id="
        self.assertEqual(bot.get(as_device + "LOOM")["device_id"], "LOOM")
        self.assertEqual(self.errcode(bot.get, as_device + "NONE"), "M_UNKNOWN_DEVICE")
        flows = [flow["type"] for flow in self.cluster.client().get("/login")["flows"]]
        self.assertIn("m.login.application_service", flows)
        alice = self.cluster.register("alice")
        login["identifier"]["user"] = alice.user_id
        self.assertEqual(self.errcode(bot.post, "/login", login), "M_EXCLUSIVE")
        self.assertEqual(self.errcode(alice.post, "/login", login), "M_FORBIDDEN")

    def test_it_is_asked_for_aliases_networks_and_a_ping(self):
        alice = self.cluster.register("alice")
        alias = quote(f"#_bridge_made:{self.server_name}")
        room_id = alice.get(f"/directory/room/{alias}")["room_id"]
        self.assertEqual(alice.join(room_id), room_id)
        unmade = quote(f"#_bridge_unmade:{self.server_name}")
        self.assertEqual(self.errcode(alice.get, f"/directory/room/{unmade}"), "M_NOT_FOUND")

        instance = alice.get("/thirdparty/protocols")["loom"]["instances"][0]
        self.assertEqual(instance["instance_id"], "bridge|net")
        self.assertEqual(alice.get("/thirdparty/protocol/loom")["icon"], "mxc://x/y")
        self.assertEqual(self.errcode(alice.get, "/thirdparty/protocol/other"), "M_NOT_FOUND")
        self.assertEqual(alice.get("/thirdparty/user/loom", nick="u")[0]["userid"], "@_bridge_u:x")
        self.assertIn("nick=u", [r.path for r in self.service.received if "/user/loom" in r.path][-1])
        self.assertEqual(alice.get("/thirdparty/location", alias="#_bridge_a:x")[0]["alias"], "#_bridge_a:x")

        bot = self.bot()
        ping = "/_matrix/client/v1/appservice/{}/ping"
        answer = bot.request("POST", ping.format("bridge"), {"transaction_id": "meow"})
        self.assertGreaterEqual(answer["duration_ms"], 0)
        self.assertEqual([r.body for r in self.service.received if r.path.endswith("/ping")], [{"transaction_id": "meow"}])
        self.assertEqual(self.errcode(bot.request, "POST", ping.format("other"), {}), "M_FORBIDDEN")
        self.assertEqual(self.errcode(alice.request, "POST", ping.format("bridge"), {}), "M_FORBIDDEN")
        self.failing = True
        self.assertEqual(self.errcode(bot.request, "POST", ping.format("bridge"), {}), "M_BAD_STATUS")
        bot.put(f"/directory/list/appservice/net/{quote(room_id)}", {"visibility": "public"})
        self.assertEqual(self.cluster.sql("SELECT network_id FROM appservice_room_list"), "net")
        own, of_net, all_of_them = [
            [room["room_id"] for room in alice.post("/publicRooms", body)["chunk"]]
            for body in ({}, {"third_party_instance_id": "bridge|net"}, {"include_all_networks": True})
        ]
        self.assertEqual((own, of_net, all_of_them), ([], [room_id], [room_id]))
        self.assertEqual(alice.post("/publicRooms", {"third_party_instance_id": "bridge|other"})["chunk"], [])


if __name__ == "__main__":
    unittest.main()
