"""kill -9 at each point of persistence: nothing is half stored, and what was acknowledged is there."""

import re
import sys
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))

from matrix_client import MatrixError, wait_for  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

SOURCES = ("handlers/src/events/room_writer.cpp", "storage/src/events/persist_events_store.cpp")

#: What a transaction that is whole leaves behind; each statement finds what contradicts it.
WHOLE = {
    "an event without its JSON": "SELECT event_id FROM events WHERE event_id NOT IN (SELECT event_id FROM event_json)",
    "JSON without its event": "SELECT event_id FROM event_json WHERE event_id NOT IN (SELECT event_id FROM events)",
    "an event without a state group": "SELECT event_id FROM events WHERE event_id NOT IN (SELECT event_id FROM event_to_state_groups)",
    "a room without a newest event": "SELECT room_id FROM events WHERE room_id NOT IN (SELECT room_id FROM event_forward_extremities)",
    "an event without a room": "SELECT event_id FROM events WHERE room_id NOT IN (SELECT room_id FROM rooms)",
    "a room without events": "SELECT room_id FROM rooms WHERE room_id NOT IN (SELECT room_id FROM events)",
    "a newest event that is not stored": "SELECT event_id FROM event_forward_extremities WHERE event_id NOT IN (SELECT event_id FROM events)",
    "two newest events of a room": "SELECT room_id FROM event_forward_extremities GROUP BY room_id HAVING count(*) > 1",
    "a state event without its key": (
        "SELECT event_id FROM event_json WHERE json LIKE '%\"state_key\":%' AND event_id NOT IN (SELECT event_id FROM state_events)"
    ),
    "current state that is not stored": "SELECT event_id FROM current_state_events WHERE event_id NOT IN (SELECT event_id FROM state_events)",
    "a room without current state": "SELECT room_id FROM rooms WHERE room_id NOT IN (SELECT room_id FROM current_state_events)",
    "an event that its predecessor lacks": (
        "SELECT event_id FROM event_edges WHERE prev_event_id NOT IN (SELECT event_id FROM events)"
    ),
}  # fmt: skip


def crash_points() -> list:
    """All of them, as the code has them."""
    text = "".join((TOP / source).read_text() for source in SOURCES)
    return re.findall(r'crash_point\("([^"]+)"\)', text)


class CrashPoints(ClusterTestCase):
    scale = "event_persister=1"

    def setUp(self) -> None:
        self.reached: set = set()
        self.trigger = self.crash_trigger()
        super().setUp()

    def test_a_crash_at_any_point_leaves_nothing_half_stored(self):
        alice, bob, room_id = self.room_of_two()
        sent, topics = [], []
        points = crash_points()
        self.assertGreater(len(points), 8)
        for number, point in enumerate(points):
            with self.subTest(point):
                # A message, then a change of state, each repeated until it is acknowledged.
                self.crash_during(point, lambda n=number: sent.append(alice.send(room_id, f"message {n}", f"m{n}")))
                self.crash_during(point, lambda n=number: topics.append(self.set_topic(alice, room_id, n)))
                self.crash_during(point, lambda: self.try_to_create_room(bob))
                self.assert_whole()
        self.assertEqual(self.reached, set(points), "points at which the persister died")
        stored = [event["event_id"] for event in alice.all_messages(room_id)]
        self.assertEqual(stored, sent)
        topic = next(e for e in alice.state(room_id) if e["type"] == "m.room.topic")
        self.assertEqual(topic["content"], {"topic": f"topic {len(points) - 1}"})
        self.cluster.wait_healthy()

    def crash_during(self, point: str, action) -> None:
        """Has the persister die at a point while something is done; not every action comes by all of them."""
        pid = self.cluster.processes()["event_persister1"]["pid"]
        self.trigger.write_text(point)
        action()
        if self.trigger.exists():
            self.trigger.unlink()
        else:
            self.reached.add(point)
            self.cluster.wait_restarted("event_persister1", pid)

    def set_topic(self, user, room_id: str, number: int) -> str:
        return user.put(f"/rooms/{room_id}/state/m.room.topic", {"topic": f"topic {number}"})["event_id"]

    def try_to_create_room(self, user) -> None:
        """Not to be repeated, so that it may fail; a room that was acknowledged is there."""
        try:
            status, answer = user.request_once("POST", "/_matrix/client/v3/createRoom", {"name": "Cloth"})
        except OSError:
            return
        if status == 200:
            wait_for("the new room", lambda: self.is_in_room(user, answer["room_id"]))

    def is_in_room(self, user, room_id: str) -> bool:
        try:
            return bool(user.state(room_id))
        except MatrixError:
            return False

    def assert_whole(self) -> None:
        for what, statement in WHOLE.items():
            self.assertEqual(self.cluster.sql(statement), "", what)


if __name__ == "__main__":
    unittest.main(verbosity=2)
