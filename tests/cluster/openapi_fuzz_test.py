"""Malformed requests to every operation of the client-server API, made from the specification's OpenAPI
files: no failure of the server, no hang, always a Matrix error; and what succeeds is what the schema says.

The suite sends the same requests in each run, so that a failure is of the change that it tests. To look for new ones,
`WEFT_SEED` chooses others and `WEFT_FUZZ_SECONDS` says for how long.
"""

import http.client
import json
import os
import random
import re
import socket
import sys
import time
import unittest
from pathlib import Path
from typing import Optional
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy"))

import openapi  # noqa: E402
from launcher import routes  # noqa: E402
from malformed import Generator, Request  # noqa: E402
from weft_cluster import UNLIMITED_RATES, ClusterTestCase, build_dir  # noqa: E402

DEFAULT_SEED = 1
DEFAULT_REQUESTS = 12_000
SECONDS_MAX = 120
#: No request waits for anything, so this is a hang.
ANSWER_SECONDS = 10
FAILURES_SHOWN = 30
#: What the admin API takes in queries and bodies.
ADMIN_QUERY = ("from", "limit", "dir", "order_by", "name", "user_id", "guests", "deactivated", "valid", "search_term")
ADMIN_BODY = {
    "password": "x", "displayname": "x", "avatar_url": "mxc://a/b", "admin": False, "deactivated": False, "locked": False,
    "user_type": "bot", "threepids": [{"medium": "email", "address": "a@b"}], "erase": False, "new_password": "x",
    "logout_devices": True, "devices": ["X"], "display_name": "x", "valid_until_ms": 1, "suspend": False, "block": False,
    "purge": True, "message": "x", "room_name": "x", "new_room_user_id": "@a:b", "user_id": "@a:b", "token": "x",
    "uses_allowed": 1, "expiry_time": 1, "length": 10, "delete_local_events": False, "purge_up_to_ts": 1,
    "purge_up_to_event_id": "$x", "nonce": "x", "username": "x", "mac": "x",
}  # fmt: skip
#: Operations after which alice may be out of her room.
LEAVING = ("leaveRoom", "forgetRoom", "kick", "ban", "setRoomStateWithKey")


class Connection:
    """Sends bytes as they are; http.client would refuse to."""

    def __init__(self, url: str):
        address = urlsplit(url)
        self.address = (address.hostname, address.port)
        self.socket: Optional[socket.socket] = None

    def send(self, request: Request) -> tuple:
        """(status, content type, body); a connection the server has closed is made anew, once."""
        for attempt in (1, 2):
            fresh = self.socket is None
            if fresh:
                self.socket = socket.create_connection(self.address, timeout=ANSWER_SECONDS)
            try:
                return self._exchange(request)
            except (ConnectionError, http.client.BadStatusLine):
                self.close()
                if fresh or attempt == 2:
                    raise
            except BaseException:
                self.close()
                raise
        raise AssertionError("unreachable")

    def _exchange(self, request: Request) -> tuple:
        lines = [f"{request.method} {request.target} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        lines.append(f"Content-Length: {len(request.body or b'')}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        try:
            self.socket.sendall(head + (request.body or b""))
        except ConnectionError:
            pass  # refused before it was read: the answer may be there
        answer = http.client.HTTPResponse(self.socket, method=request.method)
        answer.begin()
        text = answer.read()
        if answer.will_close:
            self.close()
        return answer.status, answer.getheader("Content-Type", ""), text

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class OpenApiFuzz(ClusterTestCase):
    scale = "synchrotron=1,event_persister=1,client_reader=1"
    config = UNLIMITED_RATES

    def setUp(self) -> None:
        super().setUp()
        self.seed = int(os.environ.get("WEFT_SEED") or DEFAULT_SEED)
        self.random = random.Random(self.seed)
        processes = [self.cluster.url_of(name) for name in self.cluster.processes()]
        self.connections = [Connection(url) for url in [self.cluster.url, *processes]]
        for connection in self.connections:
            self.addCleanup(connection.close)
        self.failures: list = []
        self.sent = 0
        self.alice = None
        self.renew_world()

    def test_malformed_requests_get_matrix_errors(self):
        self.send_malformed([row for row in openapi.operations() if interesting(row)])

    def test_malformed_requests_of_an_administrator_get_matrix_errors(self):
        """The admin API has no OpenAPI files: its rows in the endpoint table, and the words it knows."""
        self.cluster.weft("register", "root", "--admin", "--password", "correct horse")
        self.alice = self.cluster.client().login("root")
        table = routes.load(build_dir() / "bin" / "weft-master")
        rows = [admin_operation(row) for row in table if row.path.startswith("/_synapse/admin/")]
        self.assertGreater(len(rows), 30)
        self.send_malformed(rows)

    def send_malformed(self, rows: list) -> None:
        """Cases of each operation in turn, until all are sent or the time is over."""
        seconds = os.environ.get("WEFT_FUZZ_SECONDS")
        deadline = time.monotonic() + float(seconds or SECONDS_MAX)
        requests_max = None if seconds else DEFAULT_REQUESTS
        running = {row.id: self.generator().malformed(row) for row in rows}
        while running and time.monotonic() < deadline:
            # In turn, so that a short run still touches everything.
            for name in list(running):
                request = next(running[name], None)
                if request is None:
                    del running[name]
                    continue
                status = self.try_one(request)
                self.restore(name, status)
                if time.monotonic() >= deadline or self.sent == requests_max:
                    running.clear()
                    break
        print(f"{self.sent} requests, seed {self.seed}", file=sys.stderr)
        self.assertGreater(self.sent, 1000)
        self.assert_none_failed()

    def test_well_formed_requests_get_what_the_schema_says(self):
        for row in openapi.operations():
            if interesting(row) and row.id not in ("logout", "logout_all"):
                for connection in self.connections:
                    status = self.try_one(self.generator().well_formed(row), connection)
                    self.restore(row.id, status)
        self.assert_none_failed()

    def try_one(self, request: Request, connection: Optional[Connection] = None) -> int:
        """Sends it to one of the processes, or by the proxy; keeps what is wrong with the answer."""
        # The old token of a world that is gone would only ever be refused.
        if request.headers.get("Authorization", "").startswith("Bearer syt_") and "token" not in request.what:
            request.headers["Authorization"] = f"Bearer {self.alice.token}"
        connection = connection or self.random.choice(self.connections)
        self.sent += 1
        try:
            status, content_type, text = connection.send(request)
        except (OSError, http.client.HTTPException) as problem:
            self.failures.append(f"{request}\n    no answer: {problem!r}")
            return 0
        wrong = self.what_is_wrong(request, connection, status, content_type, text)
        if wrong:
            shown = text[:300].decode(errors="replace")
            self.failures.append(f"{request}\n    {status} {shown}\n    " + "\n    ".join(wrong))
        return status

    def what_is_wrong(
        self, request: Request, connection: Connection, status: int, content_type: str, text: bytes
    ) -> list:
        if status >= 500:
            return ["the server failed"]
        if request.method in ("HEAD", "OPTIONS"):
            return []
        # The proxy has its own words for what is not HTTP.
        by_proxy = connection is self.connections[0] and content_type.startswith("text/html")
        if by_proxy and status in (400, 403, 413):
            return []
        if status < 400:
            return openapi.problems(request.method, request.target, status, content_type, text)[:5]
        return error_problems(status, text)

    def assert_none_failed(self) -> None:
        if self.failures:
            shown = "\n".join(self.failures[:FAILURES_SHOWN])
            self.fail(f"{len(self.failures)} of {self.sent} requests (seed {self.seed}):\n{shown}")

    # What the requests are about

    def generator(self) -> Generator:
        return Generator(self.world, self.alice.token, self.random.randrange(10**9))

    def renew_world(self) -> None:
        """A user with a room and an event; what the operations are asked about."""
        self.alice, bob = self.cluster.register("alice"), self.cluster.register("bob")
        alias = f"loom-{self.random.randrange(10**12)}"
        room_id = self.alice.create_room(preset="public_chat", room_alias_name=alias)
        bob.join(room_id)
        event_id = self.alice.send(room_id, "warp")
        server_name = self.alice.user_id.partition(":")[2]
        filter_path = f"/user/{self.alice.user_id}/filter"
        self.world = {
            "userId": self.alice.user_id,
            "user_id": bob.user_id,
            "userid": self.alice.user_id,
            "roomId": room_id,
            "roomIdOrAlias": room_id,
            "room_id": room_id,
            "roomAlias": f"#{alias}:{server_name}",
            "alias": f"#{alias}:{server_name}",
            "eventId": event_id,
            "serverName": server_name,
            "deviceId": self.alice.get("/account/whoami")["device_id"],
            "filterId": self.alice.post(filter_path, {})["filter_id"],
            "eventType": "m.room.message",
            "keyName": "displayname",
            "version": "1",
            "kind": "content",
            "ruleId": "org.example.rule",
            "receiptType": "m.read",
            "relType": "m.thread",
            "ts": 1,
            "txnId": "txn1",
            "type": "org.example.type",
            "tag": "u.work",
            "stateKey": "",
            "width": 10,
            "height": 10,
            "url": "http://127.0.0.1:1/",
        }

    def restore(self, operation: str, status: int) -> None:
        """Some of the requests log out, or leave the room; that is their right."""
        if status == 401:
            row = openapi.find("GET", "/_matrix/client/v3/account/whoami")
            request = self.generator().well_formed(row)
            if self.connections[0].send(request)[0] == 401:
                self.renew_world()
        elif status == 200 and operation in LEAVING:
            self.alice.join(self.world["roomId"])


def interesting(row: openapi.Operation) -> bool:
    return row.path.startswith(("/_matrix/client/", "/_matrix/media/"))


def admin_operation(route: routes.Route) -> openapi.Operation:
    """A row of the endpoint table, as if the specification had described it."""
    names = re.findall(r"\{(\w+)\}", route.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {}} for name in names]
    parameters += [{"name": name, "in": "query", "schema": {}} for name in ADMIN_QUERY]
    body = {"type": "object", "properties": {name: {"example": value} for name, value in ADMIN_BODY.items()}}
    return openapi.Operation(
        id=f"{route.operation} {route.method}",
        method=route.method,
        path=route.path,
        parameters=parameters,
        body=body if route.method in ("PUT", "POST", "DELETE") else None,
        body_required=False,
        content_types=["application/json"],
        responses={},
        authenticated=True,
        deprecated=False,
    )


def error_problems(status: int, text: bytes) -> list:
    try:
        answer = json.loads(text)
    except ValueError:
        return ["the error is not JSON"]
    if not isinstance(answer, dict):
        return ["the error is not an object"]
    if status == 401 and "flows" in answer:
        return []  # user-interactive authentication
    errcode = answer.get("errcode")
    if not isinstance(errcode, str) or not errcode.startswith("M_"):
        return [f"errcode {errcode!r}"]
    return [] if isinstance(answer.get("error"), str) else ["no text in the error"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
