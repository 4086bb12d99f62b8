"""The generated routing covers the endpoint table, the proxies accept it, and requests go where it
says."""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "support"))
sys.path.insert(0, str(TOP / "deploy"))

from launcher import haproxy, nginx, routes  # noqa: E402
from launcher.cluster import Cluster as Layout  # noqa: E402
from launcher.cluster import parse_scale  # noqa: E402
from weft_cluster import ClusterTestCase, build_dir, metric  # noqa: E402

SCALES = (
    "none",
    "synchrotron=1",
    "synchrotron=1,event_persister=1,client_reader=1",
    "synchrotron=3,event_persister=1,client_reader=2",
    "synchrotron=1,event_persister=1,client_reader=1,media=2",
)
KINDS = {"synchrotron", "event_persister", "client_reader", "media"}


def layout(scale: str) -> Layout:
    made = Layout(Path("/nonexistent"), id="test", scale=parse_scale(scale))
    made.assign_ports(running=True)
    return made


def example(path: str) -> str:
    """A path as a client could ask for it, by a template of the table."""
    return re.sub(r"\{roomId[^}]*\}", "!abc:example.org", re.sub(r"\{(?!roomId)[^}]*\}", "x", path))


class Table(unittest.TestCase):
    """The endpoint table and what is made of it; nothing has to run."""

    @classmethod
    def setUpClass(cls):
        cls.table = routes.load(build_dir() / "bin" / "weft-master")

    def test_the_table_is_well_formed(self):
        self.assertGreater(len(self.table), 50)
        seen = set()
        for route in self.table:
            self.assertRegex(route.method, r"^(GET|PUT|POST|DELETE)$")
            self.assertTrue(route.path.startswith("/"), route.path)
            self.assertTrue(route.operation)
            self.assertLessEqual(set(route.workers), KINDS)
            self.assertIn(route.key, ("room", "user", "any"))
            row = (route.method, re.sub(r"\{[^}]*\}", "{}", route.path))
            self.assertNotIn(row, seen, "two rows for the same requests")
            seen.add(row)

    def test_the_hot_endpoints_are_served_by_workers(self):
        found = routes.rules(self.table, parse_scale("synchrotron=1,event_persister=1"))
        for version in ("r0", "v3"):
            prefix = f"/_matrix/client/{version}"
            send = f"{prefix}/rooms/!a:b/send/m.room.message/1"
            self.assertEqual(routes.resolve("GET", f"{prefix}/sync", found).kind, "synchrotron")
            self.assertEqual(routes.resolve("PUT", send, found).kind, "event_persister")

    def test_every_row_goes_to_the_kind_it_prefers_in_every_layout(self):
        for scale in SCALES:
            sizes = parse_scale(scale)
            found = routes.rules(self.table, sizes)
            for route in self.table:
                with self.subTest(scale=scale, method=route.method, path=route.path):
                    wanted = next((kind for kind in route.workers if sizes[kind]), "master")
                    target = routes.resolve(route.method, example(route.path), found)
                    self.assertEqual(target.kind, wanted)

    def test_unknown_requests_go_to_the_master(self):
        found = routes.rules(self.table, parse_scale(SCALES[-1]))
        for method, path in (
            ("GET", "/"),
            ("GET", "/_matrix/client/v3/synchronise"),
            ("GET", "/prefix/_matrix/client/v3/sync"),
            ("DELETE", "/_matrix/client/v3/sync"),
        ):
            self.assertEqual(routes.resolve(method, path, found), routes.MASTER, f"{method} {path}")

    def test_haproxy_accepts_its_file_in_every_layout(self):
        for scale in SCALES:
            with self.subTest(scale=scale):
                text = haproxy.render(layout(scale), self.table)
                checked = subprocess.run(
                    [haproxy.BINARY, "-c", "-f", "/dev/stdin"],
                    input=text,
                    capture_output=True,
                    text=True,
                )
                self.assertEqual(checked.returncode, 0, checked.stderr + text)
                self.assertNotIn("WARNING", checked.stderr)

    def test_nginx_has_an_upstream_for_every_target(self):
        for scale in SCALES:
            with self.subTest(scale=scale):
                text = nginx.render(layout(scale), self.table)
                defined = set(re.findall(r"^upstream (\w+) \{", text, re.MULTILINE))
                used = set(re.findall(r'^    (?:"[^"]*"|default) (weft_\w+);', text, re.MULTILINE))
                self.assertEqual(used, defined)
                self.assertEqual(text.count("{") - len(re.findall(r"\\\{", text)),
                                 text.count("}") - len(re.findall(r"\\\}", text)))  # fmt: skip


class Running(ClusterTestCase):
    scale = "synchrotron=2,event_persister=1,client_reader=1"

    def test_requests_go_where_the_table_says(self):
        printed = json.loads(self.cluster.weft("routes", "json"))
        self.assertEqual(
            [(row["method"], row["path"]) for row in printed],
            [
                (route.method, route.path)
                for route in routes.load(build_dir() / "bin" / "weft-master")
            ],
        )
        with self.subTest("the file that runs is the one that is printed"):
            running = (self.cluster.data_dir / "haproxy.cfg").read_text()
            self.assertEqual(self.cluster.weft("routes", "haproxy"), running)
        with self.subTest("an unknown path is answered by Weft"):
            self.assert_unrecognized("GET", "/_matrix/client/v3/no_such_thing", (404,))
            self.assert_unrecognized("GET", "/nowhere", (404,))
        with self.subTest("a wrong method is answered by Weft"):
            self.assert_unrecognized("DELETE", "/_matrix/client/v3/sync", (404, 405))
        with self.subTest("a request without a token is refused by the worker it goes to"):
            status, body = self.cluster.client().request_once("GET", "/_matrix/client/v3/sync")
            self.assertEqual((status, body["errcode"]), (401, "M_MISSING_TOKEN"))

    def test_rooms_are_sent_to_the_persister_that_owns_them(self):
        """HAProxy's idea of a room's owner is the processes' own: each persister counts the sends
        it was given, and gets exactly those of its rooms."""
        alice = self.cluster.register("alice")
        rooms = [alice.create_room() for _ in range(8)]
        wanted = {name: 0 for name in self.cluster.names("event_persister")}
        before = {name: self.sends_served(name) for name in wanted}
        for number, room_id in enumerate(rooms):
            wanted[self.cluster.owner(room_id)] += 1
            alice.send(room_id, f"message {number}")
        served = {name: self.sends_served(name) - before[name] for name in wanted}
        self.assertEqual(served, wanted)

    def assert_unrecognized(self, method: str, path: str, statuses: tuple) -> None:
        status, body = self.cluster.client().request_once(method, path)
        self.assertIn(status, statuses)
        self.assertEqual(body["errcode"], "M_UNRECOGNIZED")

    def sends_served(self, name: str) -> int:
        """How often a process served the operation sendMessage, by its metrics."""
        series = r'weft_http_requests\w*\{[^}]*"sendMessage"[^}]*\}'
        return int(metric(self.cluster.metrics_port(name), series))


if __name__ == "__main__":
    unittest.main(verbosity=2)
