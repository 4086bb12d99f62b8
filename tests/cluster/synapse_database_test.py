"""Weft serves a database that a real Synapse 1.15 wrote: tests/data/synapse-1.15.

The dump goes unchanged into a database that Weft's migrations made, and `weft up` starts on that. What
the answers may differ in from Synapse's is listed in `recorded_answers` and docs/adopting-synapse.md.
"""

import contextlib
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import recorded_answers  # noqa: E402
import synapse_fixture  # noqa: E402
from matrix_client import PREFIX, Client, MatrixError, SyncLoop  # noqa: E402
from weft_cluster import Cluster, build_dir  # noqa: E402

from launcher import postgres  # noqa: E402

DOCUMENT = synapse_fixture.TOP / "docs" / "adopting-synapse.md"
ROOM_VERSIONS = ("1", "2", "3", "4", "5", "6")

#: Every position of a /sync token at its beginning, but for the room events.
SINCE_EVENT = "s{}_0_0_0_0_0_0_0_0"


class AdoptedDatabase(unittest.TestCase):
    """A master alone on the database; read-only and writing tests have one each."""

    resources: contextlib.ExitStack
    database: synapse_fixture.Database
    cluster: Cluster

    @classmethod
    def setUpClass(cls) -> None:
        cls.resources = contextlib.ExitStack()
        cls.addClassCleanup(cls.resources.close)
        server = cls.resources.enter_context(postgres.throwaway())
        cls.database = synapse_fixture.Database(server, "adopted")
        scratch = cls.resources.enter_context(tempfile.TemporaryDirectory(prefix="weft-test-"))
        cls.database.migrate(Path(scratch), build_dir())
        cls.database.load_fixture()
        cls.prepare_database()
        cls.recorded = synapse_fixture.recorded_requests()
        cls.tokens = {request.user_id: request.access_token for request in cls.recorded}
        cls.cluster = Cluster(
            "none",
            options=["--database", cls.database.url, "--server-name", synapse_fixture.SERVER_NAME],
        )
        cls.resources.callback(cls.cluster.stop)
        # The launcher makes a key only where none is.
        cls.cluster.data_dir.mkdir()
        shutil.copy(synapse_fixture.SIGNING_KEY, cls.cluster.data_dir / "signing.key")
        cls.cluster.start()

    @classmethod
    def prepare_database(cls) -> None:
        """What a class of tests changes in the dump before the server starts."""

    def as_user(self, user_id: str) -> Client:
        """A client with the token that Synapse gave this user."""
        client = self.cluster.client()
        client.user_id, client.token = user_id, self.tokens[user_id]
        return client

    def answers_of(self, ending: str) -> list:
        """The recorded requests to paths that end so."""
        return [r for r in self.recorded if r.path.partition("?")[0].endswith(ending)]

    def joined_rooms_of(self, user_id: str) -> set:
        recorded = next(r for r in self.answers_of("/joined_rooms") if r.user_id == user_id)
        return set(recorded.response["joined_rooms"])


class Reading(AdoptedDatabase):
    def test_every_recorded_request_gets_the_recorded_answer(self):
        needed = set()
        for request in self.recorded:
            with self.subTest(user=request.user_id, request=request.path):
                client = self.as_user(request.user_id)
                status, answer = client.request_once(request.method, request.path)
                client.close()
                self.assertEqual(status, request.status, answer)
                self.assertEqual(recorded_answers.unexplained(request, answer), "")
                needed |= {
                    known.name
                    for known in recorded_answers.DIFFERENCES
                    if recorded_answers.unexplained(request, answer, leave_out=known.name)
                }
        names = {known.name for known in recorded_answers.DIFFERENCES}
        self.assertEqual(names - needed, set(), "differences that occur nowhere any more")

    def test_every_difference_is_explained(self):
        text = DOCUMENT.read_text()
        for known in recorded_answers.DIFFERENCES:
            self.assertIn(f"`{known.name}`", text, f"{DOCUMENT.name} does not say why")

    def test_old_access_tokens_are_their_users(self):
        self.assertEqual(len(self.tokens), 31)
        for user_id in self.tokens:
            self.assertEqual(self.as_user(user_id).get("/account/whoami")["user_id"], user_id)

    def test_old_passwords_log_in(self):
        user_id = "@g11913mba:localhost:8800"
        client = self.cluster.client().login(user_id, "pw-12345678")
        self.assertEqual(client.get("/account/whoami")["user_id"], user_id)
        with self.assertRaises(MatrixError) as refused:
            self.cluster.client().login(user_id, "pw-12345679")
        self.assertEqual(refused.exception.errcode, "M_FORBIDDEN")

    def test_first_syncs_have_the_rooms_users_were_in(self):
        in_some_room = 0
        for user_id in self.tokens:
            rooms = self.as_user(user_id).sync().get("rooms", {}).get("join", {})
            self.assertEqual(set(rooms), self.joined_rooms_of(user_id), user_id)
            in_some_room += len(rooms) > 0
        self.assertGreater(in_some_room, 10)

    def test_a_sync_from_an_old_position_has_what_happened_since(self):
        user_id = "@g11913mba:localhost:8800"
        room_id = self.joined_rooms_of(user_id).pop()
        ids = self.database.sql(
            f"SELECT event_id FROM events WHERE room_id = '{room_id}' ORDER BY stream_ordering"
        ).splitlines()
        third_last = self.database.sql(
            f"SELECT stream_ordering FROM events WHERE event_id = '{ids[-3]}'"
        )
        answer = self.as_user(user_id).sync(SINCE_EVENT.format(third_last))
        timeline = answer["rooms"]["join"][room_id]["timeline"]
        self.assertEqual([event["event_id"] for event in timeline["events"]], ids[-2:])
        self.assertFalse(timeline["limited"])


class Writing(AdoptedDatabase):
    @classmethod
    def prepare_database(cls) -> None:
        cls.database.reopen_emptied_rooms()

    def members_and_room_of_version(self, version: str) -> tuple:
        """(a user of ours who may send into it, the room ID) of a room that Synapse made."""
        found = self.database.sql(
            "SELECT DISTINCT m.user_id, m.room_id FROM local_current_membership m JOIN rooms USING (room_id)"
            " JOIN access_tokens t USING (user_id) JOIN events e ON e.room_id = m.room_id"
            " AND e.type = 'm.room.create' AND e.sender = m.user_id"
            f" WHERE m.membership = 'join' AND room_version = '{version}' ORDER BY m.user_id DESC"
        )
        self.assertTrue(found, f"no room of version {version}")
        user_id, room_id = found.splitlines()[0].split("|")
        return user_id, room_id

    def test_old_sync_tokens_go_on_without_repeating_or_missing_anything(self):
        user_id, room_id = "@g11913mba:localhost:8800", None
        room_id = self.joined_rooms_of(user_id).pop()
        recorded = next(r for r in self.answers_of("/sync") if r.user_id == user_id)
        old_token = recorded.response["next_batch"]
        client = self.as_user(user_id)
        self.assertNotIn(room_id, client.sync(old_token).get("rooms", {}).get("join", {}))

        other = self.as_user("@g11913mbb:localhost:8800")
        listening = SyncLoop(client, since=old_token).start()
        self.addCleanup(listening.stop)
        event_id = other.send(room_id, "after the move")
        listening.wait_for_body(room_id, "after the move")
        self.assertEqual(listening.event_ids(room_id), [event_id])

        # These positions were higher in Synapse's memory than they are now.
        other.set_typing(room_id, True)
        listening.wait_for(
            "typing", lambda: any(e["type"] == "m.typing" for e in list(listening.ephemeral))
        )
        other.read_up_to(room_id, event_id)
        listening.wait_for(
            "a receipt",
            lambda: any(
                e["type"] == "m.receipt" and event_id in e["content"]
                for e in list(listening.ephemeral)
            ),
        )

    def test_rooms_of_every_version_go_on(self):
        for version in ROOM_VERSIONS:
            with self.subTest(version=version):
                self.go_on_in_room_of(version)

    def go_on_in_room_of(self, version: str) -> None:
        """A message, a state event and a redaction of an old event, on top of what Synapse wrote."""
        user_id, room_id = self.members_and_room_of_version(version)
        client = self.as_user(user_id)
        room = f"/rooms/{quote(room_id, safe='')}"
        listening = SyncLoop(client).start()
        self.addCleanup(listening.stop)
        seen_before = len(listening.event_ids(room_id))
        old_topic = self.old_topic(room_id)

        sent = [client.send(room_id, f"a message into version {version}")]
        sent.append(
            client.put(f"{room}/state/m.room.topic", {"topic": f"moved {version}"})["event_id"]
        )
        redaction = f"{room}/redact/{quote(old_topic, safe='')}/redact-{version}"
        sent.append(client.put(redaction, {"reason": "moved"})["event_id"])

        listening.wait_for("all three", lambda: sent[-1] in listening.event_ids(room_id))
        self.assertEqual(listening.event_ids(room_id)[seen_before:], sent)
        self.assertEqual(client.get(f"{room}/state/m.room.topic"), {"topic": f"moved {version}"})
        redacted = client.get(f"{room}/event/{quote(old_topic, safe='')}")
        self.assertEqual(redacted["content"], {})
        self.assertEqual(redacted["unsigned"]["redacted_because"]["event_id"], sent[-1])
        self.check_invitation(client, room_id)
        self.check_stored(room_id, sent)

    def old_topic(self, room_id: str) -> str:
        """An event of Synapse's to be redacted: the first topic or, where there is none, the name."""
        event_id = self.database.sql(
            f"SELECT event_id FROM events WHERE room_id = '{room_id}' AND type IN"
            " ('m.room.topic', 'm.room.name') ORDER BY type DESC, stream_ordering LIMIT 1"
        )
        self.assertTrue(event_id, f"{room_id} has neither topic nor name")
        return event_id

    def check_invitation(self, client: Client, room_id: str) -> None:
        """A user who is new comes into the old room and sees its old state."""
        guest = self.cluster.register("newcomer")
        client.post(f"/rooms/{quote(room_id, safe='')}/invite", {"user_id": guest.user_id})
        guest.join(room_id)
        guest.send(room_id, "hello from the newcomer")
        types = {event["type"] for event in guest.state(room_id)}
        self.assertLessEqual({"m.room.create", "m.room.power_levels", "m.room.topic"}, types)

    def check_stored(self, room_id: str, sent: list) -> None:
        """What was sent hangs on what Synapse wrote, and is the format of the room's version."""
        ids = ", ".join(f"'{event_id}'" for event_id in sent)
        dangling = self.database.sql(
            "SELECT count(*) FROM event_edges e LEFT JOIN events p ON p.event_id = e.prev_event_id"
            f" WHERE e.event_id IN ({ids}) AND p.event_id IS NULL"
        )
        self.assertEqual(dangling, "0")
        first_previous = self.database.sql(
            f"SELECT count(*) FROM event_edges WHERE event_id = '{sent[0]}'"
        )
        self.assertNotEqual(first_previous, "0")
        formats = self.database.sql(
            f"SELECT DISTINCT format_version FROM event_json WHERE room_id = '{room_id}'"
        )
        self.assertEqual(len(formats.splitlines()), 1, "Synapse's and Weft's formats differ")

    def test_new_rooms_of_every_old_version_can_be_made(self):
        client = self.as_user("@g11913mba:localhost:8800")
        for version in ROOM_VERSIONS:
            room_id = client.create_room(room_version=version, preset="public_chat")
            client.send(room_id, f"version {version}")
            bodies = [event["content"]["body"] for event in client.all_messages(room_id)]
            self.assertEqual(bodies, [f"version {version}"])

    def test_transaction_ids_of_old_messages_are_shown_to_their_device_only(self):
        user_id, other_id = "@g11913mba:localhost:8800", "@g11913mbb:localhost:8800"
        room = f"/rooms/{quote(self.joined_rooms_of(user_id).pop(), safe='')}"
        event_id = self.database.sql(
            f"SELECT event_id FROM event_json JOIN events USING (event_id) WHERE sender = '{user_id}'"
            " AND internal_metadata LIKE '%txn_id%' ORDER BY stream_ordering LIMIT 1"
        )
        path = f"{room}/event/{quote(event_id, safe='')}"
        self.assertIn("transaction_id", self.as_user(user_id).get(path)["unsigned"])
        self.assertNotIn("transaction_id", self.as_user(other_id).get(path)["unsigned"])
        again = self.cluster.client().login(user_id, "pw-12345678")
        self.assertNotIn("transaction_id", again.get(path)["unsigned"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
