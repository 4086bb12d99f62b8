"""A small Matrix client for the cluster tests: requests, and a sync loop that keeps what it saw."""

import http.client
import json
import select
import threading
import time
from typing import Callable, Optional
from urllib.parse import quote, urlencode, urlsplit

import openapi

PREFIX = "/_matrix/client/v3"

#: A timeline long enough that traffic during a test seldom makes it `limited`.
SYNC_FILTER = {"room": {"timeline": {"limit": 100}}}


class MatrixError(Exception):
    """The server answered with an error."""

    def __init__(self, status: int, body: dict):
        super().__init__(f"{status} {body.get('errcode')}: {body.get('error')}")
        self.status = status
        self.errcode = body.get("errcode")


def wait_for(what: str, condition: Callable, seconds: float = 30, interval: float = 0.05):
    """Polls until `condition` returns something true, and returns that; fails loudly otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(interval)


class Client:
    """One device of one user. Not for several threads at once: each takes a `sibling()`."""

    #: Whether answers are held against the specification's schemas.
    is_checked = True

    def __init__(self, url: str, user_id: str = "", token: str = ""):
        self.url = url
        self.user_id = user_id
        self.token = token
        self.transactions = 0
        self.error_answers: list = []  # also those after which a request was repeated
        self.connection: Optional[http.client.HTTPConnection] = None

    def sibling(self, url: Optional[str] = None) -> "Client":
        """The same device over another connection, or straight to another process."""
        return type(self)(url or self.url, self.user_id, self.token)

    # Requests

    def request_once(self, method: str, path: str, body=None, timeout: float = 60) -> tuple:
        """(status, parsed body); raises OSError or HTTPException when the connection fails, and
        ResponseViolation for an answer that the specification's schema does not allow."""
        if self.connection is not None and self._was_closed():
            self.close()
        if self.connection is None:
            address = urlsplit(self.url)
            self.connection = http.client.HTTPConnection(address.hostname, address.port)
        self.connection.timeout = timeout
        if self.connection.sock is not None:
            self.connection.sock.settimeout(timeout)
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        content = None if body is None else json.dumps(body)
        try:
            self.connection.request(method, path, content, headers)
            response = self.connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        try:
            answer = json.loads(text)
        except ValueError:
            if response.status in (502, 503, 504):  # the proxy's own: it reached nobody
                return response.status, {"error": text.decode(errors="replace")}
            answer = None
        if self.is_checked:
            openapi.check(method, path, response.status, response.getheader("Content-Type", ""), text)
        return response.status, answer

    def _was_closed(self) -> bool:
        """Whether the proxy has given up the idle connection, as it does after some seconds."""
        sock = self.connection.sock
        return sock is not None and bool(select.select([sock], [], [], 0)[0])

    def request(self, method: str, path: str, body=None, retry_seconds: float = 30):
        """The body of a successful answer. What a client may repeat (GET, and PUT with a
        transaction ID) is repeated while connections fail or the proxy has nobody to ask."""
        deadline = time.monotonic() + retry_seconds
        while True:
            try:
                status, answer = self.request_once(method, path, body)
            except (OSError, http.client.HTTPException) as problem:
                failure = problem
                repeat = method in ("GET", "PUT") or isinstance(problem, ConnectionRefusedError)
            else:
                if status == 200:
                    return answer
                failure = MatrixError(status, answer)
                self.error_answers.append(str(failure))
                repeat = self._may_repeat(method, status, failure.errcode)
            if not repeat or time.monotonic() >= deadline:
                raise failure
            time.sleep(0.1)

    @staticmethod
    def _may_repeat(method: str, status: int, errcode: Optional[str]) -> bool:
        if method == "PUT":
            return status >= 500  # the transaction ID, or the value itself, makes it safe
        if method == "GET":
            return status in (502, 503, 504)
        return status == 503 and errcode is None  # the proxy's own: it reached nobody

    def get(self, path: str, **query):
        return self.request("GET", PREFIX + path + (f"?{urlencode(query)}" if query else ""))

    def put(self, path: str, body: dict):
        return self.request("PUT", PREFIX + path, body)

    def post(self, path: str, body: Optional[dict] = None):
        return self.request("POST", PREFIX + path, {} if body is None else body)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    # Accounts

    def register(self, user: str, password: str = "correct horse") -> "Client":
        body = {"username": user, "password": password, "auth": {"type": "m.login.dummy"}}
        self._logged_in(self.post("/register", body))
        return self

    def login(self, user: str, password: str = "correct horse") -> "Client":
        identifier = {"type": "m.id.user", "user": user}
        body = {"type": "m.login.password", "identifier": identifier, "password": password}
        self._logged_in(self.post("/login", body))
        return self

    def _logged_in(self, answer: dict) -> None:
        self.user_id, self.token = answer["user_id"], answer["access_token"]

    # Rooms

    def create_room(self, **options) -> str:
        return self.post("/createRoom", options)["room_id"]

    def join(self, room_id: str) -> str:
        return self.post(f"/join/{quote(room_id, safe='')}")["room_id"]

    def leave(self, room_id: str) -> None:
        self.post(f"{self._room(room_id)}/leave")

    def send(self, room_id: str, text: str, txn_id: Optional[str] = None) -> str:
        """Sends a text message; the ID of its event."""
        if txn_id is None:
            self.transactions += 1
            # The connection object makes it unique among siblings of one device.
            txn_id = f"{id(self)}.{self.transactions}"
        content = {"msgtype": "m.text", "body": text}
        path = f"{self._room(room_id)}/send/m.room.message/{quote(txn_id, safe='')}"
        return self.put(path, content)["event_id"]

    def all_messages(self, room_id: str) -> list:
        """Every m.room.message of the room, oldest first, paged through backwards."""
        events, start = [], {}
        while True:
            page = self.get(f"{self._room(room_id)}/messages", dir="b", limit=100, **start)
            events += page["chunk"]
            if not page.get("end") or not page["chunk"]:
                break
            start = {"from": page["end"]}
        return [event for event in reversed(events) if event["type"] == "m.room.message"]

    def state(self, room_id: str) -> list:
        return self.get(f"{self._room(room_id)}/state")

    def set_typing(self, room_id: str, typing: bool) -> None:
        body = {"typing": typing, "timeout": 30000} if typing else {"typing": False}
        self.put(f"{self._room(room_id)}/typing/{quote(self.user_id)}", body)

    def read_up_to(self, room_id: str, event_id: str) -> None:
        self.post(f"{self._room(room_id)}/receipt/m.read/{quote(event_id, safe='')}")

    def set_presence(self, presence: str, message: str) -> None:
        body = {"presence": presence, "status_msg": message}
        self.put(f"/presence/{quote(self.user_id)}/status", body)

    def set_account_data(self, type_: str, content: dict) -> None:
        self.put(f"/user/{quote(self.user_id)}/account_data/{quote(type_)}", content)

    def sync(self, since: Optional[str] = None, timeout_ms: int = 0) -> dict:
        query = {"timeout": timeout_ms, "filter": json.dumps(SYNC_FILTER)}
        if since is not None:
            query["since"] = since
        return self.get("/sync", **query)

    @staticmethod
    def _room(room_id: str) -> str:
        return f"/rooms/{quote(room_id, safe='')}"


class SyncLoop:
    """Syncs in a thread of its own, like a client that stays open, and keeps everything it is told.

    Where a timeline is `limited` it fetches what lies between, so that `timeline` is without gaps.
    """

    def __init__(self, client: Client, since: Optional[str] = None):
        self.client = client.sibling()
        self.since = since
        self.timelines: dict = {}  # room ID -> events in the order received
        self.ephemeral: list = []
        self.presence: list = []
        self.account_data: list = []
        self.rounds = 0
        self.failure: Optional[BaseException] = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "SyncLoop":
        """Returns once the first answer is there: from then on nothing may be missed."""
        self.thread.start()
        wait_for("the first /sync", lambda: self.rounds or self.failure)
        self.check()
        return self

    def stop(self) -> None:
        """Ends after the poll under way, and reports what went wrong in the thread."""
        self.stopping.set()
        self.thread.join(timeout=60)
        if self.thread.is_alive():
            raise AssertionError("a /sync does not return")
        self.check()

    def check(self) -> None:
        if self.failure is not None:
            raise AssertionError(f"the sync loop of {self.client.user_id} failed") from self.failure

    def bodies(self, room_id: str) -> list:
        """The texts of the messages received in a room."""
        return [
            event["content"].get("body")
            for event in list(self.timelines.get(room_id, []))
            if event["type"] == "m.room.message"
        ]

    def event_ids(self, room_id: str) -> list:
        return [event["event_id"] for event in list(self.timelines.get(room_id, []))]

    def wait_for_body(self, room_id: str, body: str, seconds: float = 30) -> None:
        self.wait_for(f"'{body}' in /sync", lambda: body in self.bodies(room_id), seconds)

    def wait_for(self, what: str, condition: Callable, seconds: float = 30):
        def checked():
            self.check()
            return condition()

        return wait_for(f"{what} ({self.client.user_id})", checked, seconds)

    def _run(self) -> None:
        try:
            while not self.stopping.is_set():
                # Short polls, so that `stop` does not take long.
                timeout_ms = 2000 if self.since is not None else 0
                self._take(self.client.sync(self.since, timeout_ms))
        except BaseException as problem:  # told to the test by `check`
            self.failure = problem
        finally:
            self.client.close()

    def _take(self, answer: dict) -> None:
        for room_id, room in answer.get("rooms", {}).get("join", {}).items():
            self._take_timeline(room_id, room.get("timeline", {}))
            for event in room.get("ephemeral", {}).get("events", []):
                self.ephemeral.append({**event, "room_id": room_id})
        self.presence += answer.get("presence", {}).get("events", [])
        self.account_data += answer.get("account_data", {}).get("events", [])
        self.since = answer["next_batch"]
        self.rounds += 1

    def _take_timeline(self, room_id: str, timeline: dict) -> None:
        seen = self.timelines.setdefault(room_id, [])
        if timeline.get("limited") and seen:
            seen += self._gap(room_id, timeline["prev_batch"], {e["event_id"] for e in seen})
        seen += timeline.get("events", [])

    def _gap(self, room_id: str, before: str, known: set) -> list:
        """Events older than `before` that are not known yet, oldest first."""
        found = []
        while True:
            path = f"/rooms/{quote(room_id, safe='')}/messages"
            page = self.client.get(path, dir="b", limit=100, **{"from": before})
            for event in page["chunk"]:
                if event["event_id"] in known:
                    return found[::-1]
                found.append(event)
            if not page.get("end") or not page["chunk"]:
                return found[::-1]
            before = page["end"]
