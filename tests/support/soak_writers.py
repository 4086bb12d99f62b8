"""Clients that write to every stream of the database, as fast as they are answered, whatever breaks meanwhile."""

import http.client
import itertools
import random
import threading
from urllib.parse import quote

from matrix_client import PREFIX, Client, MatrixError


class SoakWriter:
    """One user in one thread. A request that fails is forgotten: what it did, the database knows."""

    def __init__(self, client: Client, room_id: str, friend: str, dice: random.Random):
        self.client = client
        self.room = quote(room_id, safe="")
        self.me = quote(client.user_id, safe="")
        self.friend = friend
        self.dice = dice
        self.numbers = itertools.count()
        self.last_event = ""
        self.done = 0
        self.device_id = client.get("/account/whoami")["device_id"]
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "SoakWriter":
        self.thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(timeout=60)

    def _run(self) -> None:
        actions = [
            self.send, self.send, self.send, self.set_state, self.read, self.set_room_data, self.set_global_data,
            self.set_tag, self.send_to_device, self.rename_device, self.set_presence, self.set_push_rule,
            self.set_visibility, self.set_pusher, self.type,
        ]  # fmt: skip
        while not self.stopping.is_set():
            try:
                self.dice.choice(actions)(next(self.numbers))
                self.done += 1
            except (OSError, http.client.HTTPException, MatrixError):
                self.stopping.wait(0.02)
        self.client.close()

    def _do(self, method: str, path: str, body: dict):
        status, answer = self.client.request_once(method, PREFIX + path, body, timeout=10)
        if status != 200:
            raise MatrixError(status, answer)
        return answer

    def send(self, n: int) -> None:
        path = f"/rooms/{self.room}/send/m.room.message/soak{n}"
        self.last_event = self._do("PUT", path, {"msgtype": "m.text", "body": f"{n}"})["event_id"]

    def set_state(self, n: int) -> None:
        self._do("PUT", f"/rooms/{self.room}/state/org.example.soak/{n % 7}", {"n": n})

    def read(self, n: int) -> None:
        if self.last_event:
            self._do("POST", f"/rooms/{self.room}/receipt/m.read/{quote(self.last_event, safe='')}", {})

    def set_room_data(self, n: int) -> None:
        self._do("PUT", f"/user/{self.me}/rooms/{self.room}/account_data/org.example.soak{n}", {"n": n})

    def set_global_data(self, n: int) -> None:
        self._do("PUT", f"/user/{self.me}/account_data/org.example.soak{n}", {"n": n})

    def set_tag(self, n: int) -> None:
        self._do("PUT", f"/user/{self.me}/rooms/{self.room}/tags/u.soak{n % 3}", {"order": (n % 100) / 100})

    def send_to_device(self, n: int) -> None:
        self._do("PUT", f"/sendToDevice/org.example.soak/{n}", {"messages": {self.friend: {"*": {"n": n}}}})

    def rename_device(self, n: int) -> None:
        self._do("PUT", f"/devices/{self.device_id}", {"display_name": f"soak {n}"})

    def set_presence(self, n: int) -> None:
        self._do("PUT", f"/presence/{self.me}/status", {"presence": "online", "status_msg": f"{n}"})

    def set_push_rule(self, n: int) -> None:
        self._do("PUT", f"/pushrules/global/content/soak{n % 4}", {"pattern": f"word{n}", "actions": ["notify"]})

    def set_visibility(self, n: int) -> None:
        self._do("PUT", f"/directory/list/room/{self.room}", {"visibility": "public" if n % 2 else "private"})

    def set_pusher(self, n: int) -> None:
        pusher = {"app_id": "org.example.soak", "pushkey": f"key{n % 3}", "lang": "en", "app_display_name": "soak"}
        pusher["kind"] = "http" if n % 4 else None
        pusher.update({"device_display_name": "soak", "data": {"url": "https://127.0.0.1:1/_matrix/push/v1/notify"}})
        self._do("POST", "/pushers/set", pusher)

    def type(self, n: int) -> None:
        self._do("PUT", f"/rooms/{self.room}/typing/{self.me}", {"typing": bool(n % 2), "timeout": 10_000})
