"""`weft users`, `weft rooms`, `weft token`: the admin API of a running cluster.

The launcher has an administrator's account of its own, `weft-operator`, whose session is kept in
operator.json in the data directory.
"""

import http.client
import json
import secrets
import time
from typing import Optional
from urllib.parse import quote, urlencode

from launcher import accounts, configs
from launcher.cluster import HOST, Cluster
from launcher.console import LauncherError

OPERATOR = "weft-operator"
PAGE = 500


class Refused(LauncherError):
    """The server's answer is an error."""

    def __init__(self, status: int, answer: dict):
        super().__init__(f"{answer.get('errcode')}: {answer.get('error')}")
        self.status = status
        self.errcode = answer.get("errcode")


class Admin:
    """The admin API, as the operator."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.file = cluster.data_dir / "operator.json"
        self.operator = json.loads(self.file.read_text()) if self.file.exists() else {}

    def call(self, method: str, path: str, body: Optional[dict] = None) -> dict:
        """The answer to a request, with a session that is made where there is none (any more)."""
        if "token" in self.operator:
            try:
                return self._request(method, path, body, self.operator["token"])
            except Refused as problem:
                if problem.status != 401:
                    raise
        self._log_in()
        return self._request(method, path, body, self.operator["token"])

    def _log_in(self) -> None:
        if "password" not in self.operator:
            name = f"{OPERATOR}-{secrets.token_hex(4)}"
            user_id, password = accounts.register(self.cluster, name, None, admin=True)
            self.operator = {"user_id": user_id, "password": password}
        login = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.operator["user_id"]},
            "password": self.operator["password"],
            "initial_device_display_name": "weft launcher",
        }
        answer = self._request("POST", "/_matrix/client/v3/login", login)
        self.operator["token"] = answer["access_token"]
        configs.write_private(self.file, json.dumps(self.operator))

    def _request(
        self, method: str, path: str, body: Optional[dict] = None, token: Optional[str] = None
    ) -> dict:
        connection = http.client.HTTPConnection(HOST, self.cluster.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise LauncherError(
                f"{self.cluster.url} does not answer ({problem}); is it up?"
            ) from None
        finally:
            connection.close()
        if response.status not in (200, 201):
            raise Refused(response.status, answer)
        return answer

    def user_id(self, user: str) -> str:
        """`alice` or `@alice:example.org`."""
        return user if user.startswith("@") else f"@{user}:{self.cluster.server_name}"


# Commands; each returns lines to print


def list_users(cluster: Cluster, search: Optional[str], with_deactivated: bool) -> list:
    query = {"limit": PAGE, "deactivated": str(with_deactivated).lower()}
    if search:
        query["name"] = search
    users = pages(Admin(cluster), "/_synapse/admin/v2/users", query, "users", "next_token")
    rows = [("USER", "NAME", "FLAGS")]
    for user in users:
        names = ("admin", "is_guest", "deactivated", "locked", "suspended")
        flags = [name.removeprefix("is_") for name in names if user[name]]
        rows.append((user["name"], user["displayname"] or "", " ".join(flags)))
    return table(rows)


def deactivate_user(cluster: Cluster, user: str, erase: bool) -> list:
    admin = Admin(cluster)
    user_id = admin.user_id(user)
    admin.call("POST", f"/_synapse/admin/v1/deactivate/{quote(user_id)}", {"erase": erase})
    return [f"{user_id} is deactivated"]


def reset_password(cluster: Cluster, user: str, password: Optional[str], keep_sessions: bool) -> list:
    admin = Admin(cluster)
    user_id = admin.user_id(user)
    new = password or secrets.token_urlsafe(15)
    body = {"new_password": new, "logout_devices": not keep_sessions}
    admin.call("POST", f"/_synapse/admin/v1/reset_password/{quote(user_id)}", body)
    return [user_id if password else f"{user_id} password: {new}"]


def list_rooms(cluster: Cluster, search: Optional[str]) -> list:
    query = {"limit": PAGE, "order_by": "joined_members"}
    if search:
        query["search_term"] = search
    rooms = pages(Admin(cluster), "/_synapse/admin/v1/rooms", query, "rooms", "next_batch")
    rows = [("ROOM", "MEMBERS", "NAME")]
    for room in rooms:
        name = room["name"] or room["canonical_alias"] or ""
        rows.append((room["room_id"], str(room["joined_members"]), name))
    return table(rows)


def delete_room(cluster: Cluster, room_id: str, block: bool, purge: bool) -> list:
    admin = Admin(cluster)
    path = f"/_synapse/admin/v2/rooms/{quote(room_id, safe='')}"
    delete_id = admin.call("DELETE", path, {"block": block, "purge": purge})["delete_id"]
    while True:
        task = admin.call("GET", f"/_synapse/admin/v2/rooms/delete_status/{delete_id}")
        if task["status"] == "failed":
            raise LauncherError(f"the room could not be deleted: {task.get('error')}")
        if task["status"] == "complete":
            break
        time.sleep(0.2)
    left = len(task["shutdown_room"]["kicked_users"])
    return [f"{room_id} is deleted, {left} users were in it"]


def create_token(cluster: Cluster, uses: Optional[int], days: Optional[float]) -> list:
    body: dict = {}
    if uses is not None:
        body["uses_allowed"] = uses
    if days is not None:
        body["expiry_time"] = int((time.time() + days * 86400) * 1000)
    made = Admin(cluster).call("POST", "/_synapse/admin/v1/registration_tokens/new", body)
    return [made["token"]]


def pages(admin: Admin, path: str, query: dict, key: str, next_key: str) -> list:
    """All entries of a list that comes in pages."""
    found, start = [], {}
    while True:
        page = admin.call("GET", f"{path}?{urlencode({**query, **start})}")
        found += page[key]
        if next_key not in page:
            return found
        start = {"from": page[next_key]}


def table(rows: list) -> list:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]
