"""All sixteen streams as they are on the wire, seen from the master's replication port."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import wait_for  # noqa: E402
from replication_tap import ReplicationTap, Row  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

#: In the order in which positions are announced.
STREAMS = [
    "events", "backfill", "presence", "typing", "receipts", "push_rules", "pushers", "caches",
    "public_rooms", "device_lists", "to_device", "federation", "tag_account_data", "account_data",
    "groups", "user_signature",
]  # fmt: skip


class Streams(ClusterTestCase):
    scale = "synchrotron=1,event_persister=1,client_reader=1"

    def setUp(self) -> None:
        super().setUp()
        self.cluster.wait_healthy()
        self.tap = self.open_tap("tap")

    def open_tap(self, name: str) -> ReplicationTap:
        tap = ReplicationTap(self.cluster.data_dir, name).start()
        self.addCleanup(tap.close)
        wait_for("the last POSITION", lambda: ("user_signature" in dict(named(tap))))
        return tap

    def row(self, stream: str, matches) -> Row:
        """A row of the master, spelled as Synapse spells JSON."""
        found = self.tap.wait_for_row(stream, matches)
        self.assertEqual(found.text, json.dumps(found.data), stream)
        return found

    def test_positions_come_in_the_order_of_the_table(self):
        self.assertTrue(self.tap.lines[0].startswith("SERVER "))
        self.assertTrue(self.tap.lines[1].startswith("PING "))
        order = list(dict.fromkeys(stream for stream, _ in named(self.tap)))
        self.assertEqual(order, STREAMS)
        writers = {stream: set() for stream in STREAMS}
        for stream, instance in named(self.tap):
            writers[stream].add(instance)
        self.assertEqual(writers["events"], {"event_persister1"})
        self.assertEqual(writers["backfill"], {"event_persister1"})
        self.assertIn("master", writers["caches"])
        for stream in STREAMS:
            if stream not in ("events", "backfill", "caches"):
                self.assertEqual(writers[stream], {"master"}, stream)

    def test_streams_with_one_counter_stand_at_the_same_token(self):
        self.cluster.register("alice")
        tokens = {stream: token for stream, _, token in self.open_tap("second").positions()}
        self.assertEqual(tokens["device_lists"], tokens["user_signature"])
        self.assertEqual(tokens["account_data"], tokens["tag_account_data"])
        self.assertGreater(tokens["device_lists"], 1)

    def test_every_process_has_every_stream(self):
        for name, process in self.cluster.wait_healthy().items():
            self.assertEqual(
                sorted({stream["stream"] for stream in process["streams"]}), sorted(STREAMS), name
            )

    def test_rows_have_the_form_of_the_specification(self):
        alice, bob = self.cluster.register("alice"), self.cluster.register("bob")
        self.row("device_lists", lambda row: row == [alice.user_id])

        room_id = alice.create_room(preset="public_chat", visibility="public", name="Loom \u00e9")
        self.check_room(alice, room_id)
        bob.join(room_id)
        self.check_member(bob, room_id)
        event_id = alice.send(room_id, "hello")
        self.row("events", lambda row: row == ["ev", [event_id, room_id, "m.room.message", None, None, None]])
        self.check_signals(alice, bob, room_id, event_id)
        self.check_user_data(alice, room_id)

    def check_room(self, alice, room_id: str) -> None:
        create = self.row(
            "events", lambda row: row[0] == "ev" and row[1][1:3] == [room_id, "m.room.create"]
        )
        event_id = create.data[1][0]
        self.assertEqual(create.data, ["ev", [event_id, room_id, "m.room.create", "", None, None]])
        self.assertEqual(create.instance, "event_persister1")
        self.row("events", lambda row: row == ["state", [room_id, "m.room.create", "", event_id]])
        self.row("public_rooms", lambda row: row == [room_id, True, None, None])

    def check_member(self, bob, room_id: str) -> None:
        joined = self.row(
            "events",
            lambda row: row[0] == "state" and row[1][:3] == [room_id, "m.room.member", bob.user_id],
        )
        member = ["ev", [joined.data[1][3], room_id, "m.room.member", bob.user_id, None, None]]
        self.row("events", lambda row: row == member)
        changed = self.row("caches", lambda row: row[:2] == ["cs_cache_fake", [room_id, bob.user_id]])
        self.assertEqual(len(changed.data), 3)
        self.assertIsInstance(changed.data[2], int)

    def check_signals(self, alice, bob, room_id: str, event_id: str) -> None:
        bob.set_typing(room_id, True)
        self.row("typing", lambda row: row == [room_id, [bob.user_id]])
        bob.set_typing(room_id, False)
        self.row("typing", lambda row: row == [room_id, []])

        bob.read_up_to(room_id, event_id)
        receipt = self.row("receipts", lambda row: row[2] == bob.user_id)
        self.assertEqual(receipt.data[:4], [room_id, "m.read", bob.user_id, event_id])
        self.assertIsInstance(receipt.data[4]["ts"], int)

        alice.set_presence("unavailable", "caf\u00e9")
        presence = self.row(
            "presence", lambda row: row[:2] == [alice.user_id, "unavailable"] and row[5] == "caf\u00e9"
        )
        kinds = [type(field) for field in presence.data]
        self.assertEqual(kinds, [str, str, int, int, int, str, bool])

    def check_user_data(self, alice, room_id: str) -> None:
        user = f"/user/{alice.user_id}"
        alice.set_account_data("org.example.colour", {"is": "indigo"})
        self.row("account_data", lambda row: row == [alice.user_id, None, "org.example.colour"])
        alice.put(f"{user}/rooms/{room_id}/account_data/org.example.note", {"n": 1})
        self.row("account_data", lambda row: row == [alice.user_id, room_id, "org.example.note"])

        alice.put(f"{user}/rooms/{room_id}/tags/u.work", {"order": 0.5})
        tags = self.row("tag_account_data", lambda row: row[:2] == [alice.user_id, room_id])
        self.assertIsInstance(tags.data[2], str)
        self.assertEqual(json.loads(tags.data[2]), {"u.work": {"order": 0.5}})

        rule = {"actions": ["notify"], "pattern": "weft"}
        alice.put("/pushrules/global/content/org.example.rule", rule)
        self.row("push_rules", lambda row: row == [alice.user_id])

    def test_commands_of_workers_reach_the_writers(self):
        """Neither closes the connection, and later rows still come."""
        self.tap.send("REMOVE_PUSHER org.example.app key @nobody:example.org")
        self.tap.send("FEDERATION_ACK 0")
        alice = self.cluster.register("alice")
        self.row("device_lists", lambda row: row == [alice.user_id])
        self.assertFalse([line for line in self.tap.lines if line.startswith("ERROR")])


class Writers(ClusterTestCase):
    """Streams that workers write."""

    scale = "synchrotron=1,event_persister=1,client_reader=1"
    config = {
        "stream_writers": {
            "events": ["event_persister1"],
            "pushers": "client_reader1",
            "groups": "client_reader1",
            "federation": "synchrotron1",
        }
    }

    def test_the_configured_process_announces_the_stream_and_does_what_workers_ask_of_it(self):
        self.cluster.wait_healthy()
        self.cluster.sql(
            "INSERT INTO pushers (id, user_name, profile_tag, kind, app_id, app_display_name,"
            " device_display_name, pushkey, ts) VALUES"
            " (0, '@nobody:example.org', '', 'http', 'org.example.app', '', '', 'key one', 0)"
        )
        tap = ReplicationTap(self.cluster.data_dir).start()
        self.addCleanup(tap.close)
        expected = [
            ("pushers", "client_reader1"), ("groups", "client_reader1"), ("federation", "synchrotron1")
        ]  # fmt: skip
        wait_for("the last POSITION", lambda: "user_signature" in dict(named(tap)))
        for stream, instance in expected:
            self.assertEqual({i for s, i in named(tap) if s == stream}, {instance})

        tap.send("FEDERATION_ACK 0")
        tap.send("REMOVE_PUSHER org.example.app key one @nobody:example.org")
        gone = ["@nobody:example.org", "org.example.app", "key one", True]
        self.assertEqual(tap.wait_for_row("pushers", lambda row: row == gone).instance, "client_reader1")
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM pushers"), "0")
        self.cluster.wait_healthy()


class MovedWriters(ClusterTestCase):
    """Each stream that users write, written by a worker: whoever gets the request, it ends up there."""

    scale = "synchrotron=1,event_persister=1,client_reader=1"
    writers = {
        "typing": "synchrotron1",
        "receipts": "client_reader1",
        "account_data": "synchrotron1",
        "presence": "client_reader1",
        "to_device": "synchrotron1",
        "push_rules": "client_reader1",
        "device_lists": "synchrotron1",
    }
    config = {
        "stream_writers": {**{stream: [name] for stream, name in writers.items()}, "events": ["event_persister1"]}
    }

    def setUp(self) -> None:
        super().setUp()
        self.cluster.wait_healthy()
        self.tap = ReplicationTap(self.cluster.data_dir).start()
        self.addCleanup(self.tap.close)
        self.alice, self.bob, self.room_id = self.room_of_two()

    def written(self, stream: str, matches) -> None:
        """A row that the configured writer, and nobody else, announced."""
        writer = self.writers["account_data" if stream == "tag_account_data" else stream]
        self.assertEqual(self.tap.wait_for_row(stream, matches).instance, writer, stream)

    def test_every_process_takes_what_another_writes(self):
        self.written("device_lists", lambda row: row == [self.alice.user_id])
        for name in self.cluster.processes():
            with self.subTest(process=name):
                self.write_everything(self.alice.sibling(self.cluster.url_of(name)), name)
        self.cluster.wait_healthy()

    def write_everything(self, alice, name: str) -> None:
        self.addCleanup(alice.close)
        room, user = f"/rooms/{self.room_id}", f"/user/{alice.user_id}"
        alice.set_typing(self.room_id, True)
        self.written("typing", lambda row: row == [self.room_id, [alice.user_id]])
        alice.set_typing(self.room_id, False)

        event_id = self.bob.send(self.room_id, f"to {name}")
        alice.read_up_to(self.room_id, event_id)
        self.written("receipts", lambda row: row[1:4] == ["m.read", alice.user_id, event_id])
        event_id = self.bob.send(self.room_id, f"again to {name}")
        alice.post(f"{room}/read_markers", {"m.fully_read": event_id, "m.read.private": event_id})
        self.written("receipts", lambda row: row[1:4] == ["m.read.private", alice.user_id, event_id])
        self.written("account_data", lambda row: row == [alice.user_id, self.room_id, "m.fully_read"])
        event_id = self.bob.send(self.room_id, f"once more to {name}")
        alice.post(f"{room}/receipt/m.fully_read/{event_id}")
        marker = alice.get(f"{user}/rooms/{self.room_id}/account_data/m.fully_read")
        self.assertEqual(marker, {"event_id": event_id})

        alice.set_account_data(f"org.example.{name}", {"from": name})
        self.written("account_data", lambda row: row == [alice.user_id, None, f"org.example.{name}"])
        alice.put(f"{user}/rooms/{self.room_id}/tags/u.{name}", {"order": 0.5})
        self.written("tag_account_data", lambda row: f"u.{name}" in row[2])

        alice.set_presence("unavailable", f"at {name}")
        self.written("presence", lambda row: row[0] == alice.user_id and row[5] == f"at {name}")
        alice.put("/pushrules/global/content/" + name, {"actions": ["notify"], "pattern": name})
        self.written("push_rules", lambda row: row == [alice.user_id])

        message = {"messages": {self.bob.user_id: {"*": {"from": name}}}}
        alice.put(f"/sendToDevice/org.example.note/{name}", message)
        self.written("to_device", lambda row: row == [self.bob.user_id])
        self.tap.lines.clear()
        device_id = alice.get("/account/whoami")["device_id"]
        alice.put(f"/devices/{device_id}", {"display_name": f"Loom at {name}"})
        self.written("device_lists", lambda row: row == [alice.user_id])


def named(tap: ReplicationTap) -> list:
    return [(stream, instance) for stream, instance, _ in tap.positions()]


if __name__ == "__main__":
    unittest.main()
