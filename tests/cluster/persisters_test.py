"""Two event persisters: each writes its share of the rooms, also while shares change and processes die."""

import sys
import unittest
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import SyncLoop  # noqa: E402
from traffic import Sender  # noqa: E402
from weft_cluster import UNLIMITED_RATES, ClusterTestCase  # noqa: E402

ROOMS = 8


class Persisters(ClusterTestCase):
    scale = "synchrotron=1,client_reader=1,event_persister=2"
    config = UNLIMITED_RATES

    def setUp(self) -> None:
        self.crash_file = self.crash_trigger()
        super().setUp()

    def rooms(self) -> tuple:
        """(alice, bob, room IDs): two new users in some rooms, which both persisters share."""
        alice, bob = self.cluster.register("alice"), self.cluster.register("bob")
        rooms = [alice.create_room(preset="public_chat") for _ in range(ROOMS)]
        for room_id in rooms:
            bob.join(room_id)
        return alice, bob, rooms

    def start_senders(self, alice, rooms: list, count: int) -> list:
        senders = [
            Sender(alice, room_id, count, prefix=f"message in {index}").start()
            for index, room_id in enumerate(rooms)
        ]
        for sender in senders:
            self.addCleanup(sender.stop)
        return senders

    def listen(self, user) -> SyncLoop:
        loop = SyncLoop(user).start()
        self.addCleanup(loop.stop)
        return loop

    def assert_all_there(self, alice, listening: SyncLoop, senders: list) -> None:
        """Each acknowledged message is in its room once and in order, and came by /sync once."""
        for sender in senders:
            stored = [event["event_id"] for event in alice.all_messages(sender.room_id)]
            self.assert_each_once(sender.event_ids(), stored, "/messages")
            self.assertEqual(stored, sender.event_ids(), "the order in /messages")
            listening.wait_for_body(sender.room_id, sender.bodies()[-1])
            timeline = listening.timelines[sender.room_id]
            synced = [e["event_id"] for e in timeline if e["type"] == "m.room.message"]
            self.assert_each_once(sender.event_ids(), synced, "bob's /sync")
            self.assertEqual(synced, sender.event_ids(), "the order in bob's /sync")

    def writers_of_events(self) -> dict:
        """Writer's tag -> number of messages."""
        rows = self.cluster.sql(
            "SELECT w.instance_name, count(*) FROM events e JOIN event_writers w ON w.tag = e.writer_tag "
            "WHERE e.type = 'm.room.message' GROUP BY 1"
        )
        return {name: int(number) for name, number in (r.split("|") for r in rows.splitlines())}

    def assert_no_room_forked(self) -> None:
        """Events of local rooms follow each other: two processes that wrote one room would fork it."""
        forks = self.cluster.sql(
            "SELECT prev_event_id FROM event_edges GROUP BY prev_event_id HAVING count(*) > 1"
        )
        self.assertEqual(forks, "")

    def test_both_write_and_everybody_gets_everything(self):
        alice, bob, rooms = self.rooms()
        listening = self.listen(bob)
        senders = self.start_senders(alice, rooms, 25)
        for sender in senders:
            sender.finish()
        self.assert_all_there(alice, listening, senders)
        self.assertEqual(set(self.writers_of_events()), {"event_persister1", "event_persister2"})
        self.assert_no_room_forked()
        self.cluster.wait_healthy()

    def test_a_killed_one_loses_and_doubles_nothing(self):
        alice, bob, rooms = self.rooms()
        listening = self.listen(bob)
        senders = self.start_senders(alice, rooms, 60)
        senders[0].wait_for_acknowledged(20)
        old_pid = self.cluster.kill("event_persister2")
        for sender in senders:
            sender.finish()
        self.cluster.wait_restarted("event_persister2", old_pid)
        for sender in senders:
            for number, (body, event_id) in enumerate(list(sender.acknowledged.items())):
                txn_id = f"{sender.prefix}-{number}".replace(" ", "-")
                self.assertEqual(alice.send(sender.room_id, body, txn_id), event_id, f"{body} repeated")
        self.assert_all_there(alice, listening, senders)
        self.assert_no_room_forked()
        self.cluster.wait_healthy()

    def test_one_that_dies_and_is_taken_away_leaves_its_rooms_to_the_other(self):
        alice, bob, rooms = self.rooms()
        listening = self.listen(bob)
        senders = self.start_senders(alice, rooms, 100_000)
        for sender in senders:
            sender.wait_for_acknowledged(10)
        written = self.writers_of_events()
        self.cluster.kill("event_persister2")
        self.cluster.rescale("synchrotron=1,client_reader=1,event_persister=1")
        for sender in senders:
            sender.wait_for_acknowledged(len(sender.acknowledged) + 10)
        for sender in senders:
            sender.stop()
            sender.check()
        self.assertGreaterEqual(self.writers_of_events()["event_persister2"], written["event_persister2"])
        self.assert_all_there(alice, listening, senders)
        self.assert_no_room_forked()
        self.assertNotIn("event_persister2", self.cluster.processes())
        self.cluster.wait_healthy()

    def test_what_it_had_not_told_of_is_told_by_the_other(self):
        """It dies between the commit and the announcement, and comes back when its rooms are to be another's."""
        alice, bob, rooms = self.rooms()
        listening = self.listen(bob)
        room_id = next(room for room in rooms if self.cluster.owner(room) == "event_persister2")
        pid = self.cluster.processes()["event_persister2"]["pid"]
        # What `weft up --scale` writes first; the supervisor starts what has died on it.
        config = self.cluster.data_dir / "homeserver.yaml"
        settings = yaml.safe_load(config.read_text())
        settings["stream_writers"]["events"].remove("event_persister2")
        config.write_text(yaml.safe_dump(settings))
        self.crash_file.write_text("events committed")
        sender = self.start_senders(alice, [room_id], 1)[0]
        self.cluster.wait_restarted("event_persister2", pid)
        self.assertFalse(self.crash_file.exists(), "it has not died where it should")
        sender.finish()
        self.assert_all_there(alice, listening, [sender])
        self.assert_no_room_forked()
        self.assertNotIn("have not told of their last events", self.cluster.logs(lines=1000))
        self.assertEqual(self.writers_of_events(), {"event_persister2": 1})
        self.cluster.rescale("synchrotron=1,client_reader=1,event_persister=1")
        self.cluster.wait_healthy()


class PersistersOnRedis(Persisters):
    options = ("--redis",)
    # Nothing of these is different.
    test_a_killed_one_loses_and_doubles_nothing = None
    test_one_that_dies_and_is_taken_away_leaves_its_rooms_to_the_other = None
    test_what_it_had_not_told_of_is_told_by_the_other = None


class ChangingPersisters(Persisters):
    scale = "synchrotron=1,client_reader=1,event_persister=1"

    # Those of the base class have two from the start.
    test_both_write_and_everybody_gets_everything = None
    test_a_killed_one_loses_and_doubles_nothing = None
    test_one_that_dies_and_is_taken_away_leaves_its_rooms_to_the_other = None
    test_what_it_had_not_told_of_is_told_by_the_other = None

    def test_no_send_fails_while_persisters_come_and_go(self):
        alice, bob, rooms = self.rooms()
        listening = self.listen(bob)
        senders = self.start_senders(alice, rooms, 100_000)
        senders[0].wait_for_acknowledged(10)
        for persisters in (2, 1):
            self.cluster.rescale(f"synchrotron=1,client_reader=1,event_persister={persisters}")
            for sender in senders:
                sender.wait_for_acknowledged(len(sender.acknowledged) + 10)
        for sender in senders:
            sender.stop()
            sender.check()
            self.assertEqual(sender.client.error_answers, [], "refused sends")
        self.assertEqual(set(self.writers_of_events()), {"event_persister1", "event_persister2"})
        self.assert_all_there(alice, listening, senders)
        self.assert_no_room_forked()
        self.cluster.wait_healthy()


if __name__ == "__main__":
    unittest.main(verbosity=2)
