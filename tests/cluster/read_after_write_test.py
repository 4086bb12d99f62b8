"""Whoever reads after a write was acknowledged sees what was written, whichever process wrote and whichever is asked."""

import os
import signal
import sys
import threading
import time
import unittest
from contextlib import contextmanager
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from matrix_client import wait_for  # noqa: E402
from weft_cluster import UNLIMITED_RATES, ClusterTestCase, metric, transport_options  # noqa: E402


class Reading:
    """A request in a thread: what it was answered, and when."""

    def __init__(self, function: Callable):
        self.answered_at = 0.0
        self.thread = threading.Thread(target=self._run, args=(function,), daemon=True)
        self.thread.start()

    def answer(self):
        self.thread.join(timeout=60)
        return self.value

    def _run(self, function: Callable) -> None:
        self.value = function()
        self.answered_at = time.monotonic()


class ReadAfterWrite(ClusterTestCase):
    config = UNLIMITED_RATES

    @contextmanager
    def stopped(self, pid: int):
        """A process that does nothing for a while."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def relaying_pid(self) -> int:
        """By whom rows go from process to process."""
        if transport_options():
            return self.cluster.service_pid("redis")
        return self.cluster.processes()["master"]["pid"]

    def at(self, user, process: str):
        """The same device, past the proxy."""
        client = user.sibling(self.cluster.url_of(process))
        self.addCleanup(client.close)
        return client

    def test_state_that_was_set_at_one_process_is_read_at_another(self):
        alice = self.cluster.register("alice")
        room_id = alice.create_room()
        path = f"/rooms/{room_id}/state/m.room.topic"
        writer, reader = self.at(alice, "event_persister1"), self.at(alice, "client_reader1")
        writer.put(path, {"topic": "old"})
        self.assertEqual(reader.get(path), {"topic": "old"})
        port = self.cluster.metrics_port("client_reader1")
        waits = "weft_read_fence_waits_total"
        before = metric(port, waits)
        relaying = self.relaying_pid()
        with self.stopped(relaying):
            writer.put(path, {"topic": "new"})
            reading = Reading(lambda: reader.get(path))
            wait_for("the reader waits", lambda: metric(port, waits) > before, interval=0.01)
        self.assertEqual(reading.answer(), {"topic": "new"})
        self.assertEqual(metric(port, "weft_read_fence_given_up_total"), 0)

    def test_many_reads_right_after_writes(self):
        alice, bob = self.cluster.register("alice"), self.cluster.register("bob")
        for number in range(25):
            room_id = alice.create_room(name=f"Room {number}", invite=[bob.user_id])
            self.assertEqual(alice.get(f"/rooms/{room_id}/state/m.room.name"), {"name": f"Room {number}"})
            bob.join(room_id)
            self.assertIn(bob.user_id, alice.get(f"/rooms/{room_id}/joined_members")["joined"])
            alice.put(f"/profile/{alice.user_id}/displayname", {"displayname": f"Alice {number}"})
            self.assertEqual(bob.get(f"/profile/{alice.user_id}/displayname"), {"displayname": f"Alice {number}"})
            alice.put(f"/user/{alice.user_id}/account_data/test.count", {"count": number})
            self.assertEqual(alice.get(f"/user/{alice.user_id}/account_data/test.count"), {"count": number})

    def test_without_replication_nobody_waits_twice(self):
        alice = self.cluster.register("alice")
        room_id = alice.create_room()
        path = f"/rooms/{room_id}/state/m.room.topic"
        writer, reader = self.at(alice, "event_persister1"), self.at(alice, "client_reader1")
        port = self.cluster.metrics_port("client_reader1")
        reader.get("/joined_rooms")
        before = metric(port, "weft_read_fence_waits_total")
        with self.stopped(self.relaying_pid()):
            writer.put(path, {"topic": "new"})
            for _ in range(5):
                reader.get(f"/rooms/{room_id}/state/m.room.create")
            self.assertEqual(metric(port, "weft_read_fence_given_up_total"), 1)
            self.assertEqual(metric(port, "weft_read_fence_waits_total"), before + 1)

    def test_a_master_that_starts_waits_for_the_word_of_a_writer(self):
        """Its database may hold a token that is newer than one which the writer is still committing."""
        alice = self.cluster.register("alice")
        room_id = alice.create_room()
        alice.send(room_id, "hello")
        processes = self.cluster.processes()
        master = self.at(alice, "master")
        port = processes["master"]["ports"]["metrics"]
        with self.stopped(processes["event_persister1"]["pid"]):
            self.cluster.kill("master")
            reading = Reading(lambda: master.get("/sync", timeout=0))
            wait_for("the request is there, beside this one", lambda: self.in_flight(port) > 1, interval=0.01)
            resumed_at = time.monotonic()
        self.assertIn(room_id, reading.answer()["rooms"]["join"])
        self.assertGreater(reading.answered_at, resumed_at)
        self.cluster.wait_healthy()

    def in_flight(self, port: int) -> float:
        try:
            return metric(port, "weft_http_in_flight")
        except OSError:
            return 0


if __name__ == "__main__":
    unittest.main(verbosity=2)
