"""The client-server API's operations as the specification's OpenAPI files have them, and a check of
answers against them."""

import functools
import json
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional
from urllib.parse import urlsplit

import yaml

import json_schema

DATA = Path(__file__).resolve().parents[1] / "data" / "openapi"
FOLDER = DATA / "api" / "client-server"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
#: A path's version; `r0` was the name of `v3` before v1.1.
VERSION = re.compile(r"^/_matrix/client/(r0|v\d+)(?=/)")
ERROR = {"type": "object", "required": ["errcode"], "properties": {"errcode": {"type": "string"}}}
#: Operation -> violations that are none: patterns of their texts.
TOLERATED = {
    # The specification lists the algorithms it knows, but a client's own come back as they were sent.
    "getRoomKeysVersion": re.compile(r"\$\.algorithm is"),
    "getRoomKeysVersionCurrent": re.compile(r"\$\.algorithm is"),
    # Its prose has presence and typing among the events, which have neither IDs nor rooms of their own.
    "getEvents": re.compile(r"\$\.chunk\[\d+\] has no '(event_id|origin_server_ts|room_id|sender)'"),
    "peekEvents": re.compile(r"\$\.chunk\[\d+\] has no '(event_id|origin_server_ts|room_id|sender)'"),
}
LOADING = threading.Lock()


@dataclass
class Operation:
    """One operation: a method and a path template with what goes in and comes out."""

    id: str
    method: str  # upper case
    path: str  # /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}
    parameters: list  # as in the file: name, in, required, schema
    body: Optional[dict]  # schema of a JSON request body
    body_required: bool
    content_types: list  # of the request body
    responses: dict  # status, as text -> the response object
    authenticated: bool
    deprecated: bool
    tags: list = field(default_factory=list)
    pattern: Any = None

    def response_schema(self, status: int) -> Optional[dict]:
        """None where the specification does not describe a JSON answer with this status."""
        described = self.responses.get(str(status), {})
        return described.get("content", {}).get("application/json", {}).get("schema")

    def content_types_of(self, status: int) -> list:
        return list(self.responses.get(str(status), {}).get("content", {}))


class ResponseViolation(AssertionError):
    """An answer is not what the specification says."""


@functools.lru_cache(maxsize=None)
def document(path: Path) -> dict:
    return resolved(yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)), path)


def resolved(node: Any, path: Path) -> Any:
    """The node with every `$ref` replaced by what it names. A schema that contains itself ends where
    it does so for the first time."""
    if isinstance(node, list):
        return [resolved(each, path) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        merged = dict(target_of(node["$ref"], path))
        merged.update({key: resolved(each, path) for key, each in node.items() if key != "$ref"})
        return merged
    return {
        # Examples name files that only the specification's website needs.
        key: each if key in ("example", "examples") else resolved(each, path)
        for key, each in node.items()
    }


OPEN: list = []


def target_of(reference: str, path: Path) -> dict:
    name, _, inside = reference.partition("#")
    place = ((path.parent / name).resolve() if name else path, inside)
    if place in OPEN:
        return {}
    OPEN.append(place)
    try:
        node = yaml.load(place[0].read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for step in filter(None, inside.split("/")):
            node = node[step]
        return resolved(node, place[0])
    finally:
        OPEN.pop()


@functools.lru_cache(maxsize=None)
def operations() -> tuple:
    """All operations of the specification, in the order of their files."""
    found = []
    for file in sorted(FOLDER.glob("*.yaml")):
        content = document(file)
        base = content["servers"][0]["variables"]["basePath"]["default"]
        for path, methods in content.get("paths", {}).items():
            for method, about in methods.items():
                if method in METHODS:
                    shared = methods.get("parameters", [])
                    found.append(operation(method, base + path.strip(), about, shared))
    return tuple(found)


def operation(method: str, path: str, about: dict, shared: list) -> Operation:
    body = about.get("requestBody", {})
    content = body.get("content", {})
    return Operation(
        id=about["operationId"],
        method=method.upper(),
        path=path,
        parameters=[*shared, *about.get("parameters", [])],
        body=content.get("application/json", {}).get("schema"),
        body_required=bool(body.get("required")),
        content_types=list(content),
        responses={str(status): response for status, response in about["responses"].items()},
        authenticated=bool(about.get("security")),
        deprecated=bool(about.get("deprecated")),
        tags=about.get("tags", []),
        pattern=re.compile(re.sub(r"\\{[^}]*\\}", "[^/]*", re.escape(path))),
    )


@functools.lru_cache(maxsize=None)
def by_method() -> dict:
    """method -> its operations, those with most literal text first."""
    table: dict = {}
    for each in operations():
        table.setdefault(each.method, []).append(each)
    for rows in table.values():
        rows.sort(key=lambda row: len(re.sub(r"\{[^}]*\}", "", row.path)), reverse=True)
    return table


def find(method: str, path: str) -> Optional[Operation]:
    """The operation that a request line asks for."""
    path = urlsplit(path).path
    candidates = [path, VERSION.sub("/_matrix/client/v3", path)]
    if "/state/" in path:
        candidates.append(candidates[-1] + "/")  # the empty state key, and the slash before it left out
    with LOADING:
        rows = by_method().get(method, [])
    for row in rows:
        if any(row.pattern.fullmatch(candidate) for candidate in candidates):
            return row
    return None


def problems(method: str, path: str, status: int, content_type: str, text: bytes) -> list:
    """What is wrong with an answer, by its operation's schema; empty for other paths."""
    if not path.startswith(("/_matrix/client/", "/_matrix/media/")):
        return []
    row = find(method, path)
    if row is None:
        return []
    if 300 <= status < 400:
        return []
    kind = content_type.partition(";")[0].strip()
    described = row.content_types_of(status)
    if status == 200 and described and "application/json" not in described:
        return []  # media: any type
    if kind != "application/json":
        return [f"the content type is {content_type!r}"]
    try:
        value = json.loads(text.decode("utf-8"))
    except ValueError as problem:
        return [f"the body is not JSON ({problem})"]
    schema = row.response_schema(status)
    if status >= 400 and status != 401:
        schema = {"allOf": [ERROR, schema or {}]}
    elif status == 401 and isinstance(value, dict) and "errcode" not in value:
        schema = schema or {"required": ["flows"]}  # user-interactive authentication
    elif status == 401:
        schema = ERROR
    found = json_schema.violations(value, schema) if schema else ()
    tolerated = TOLERATED.get(row.id)
    return [text for text in found if not (tolerated and tolerated.match(text))]


def check(method: str, path: str, status: int, content_type: str, text: bytes) -> None:
    """Raises ResponseViolation for an answer that the specification does not allow."""
    found = problems(method, path, status, content_type, text)
    if found:
        shown = text[:500].decode(errors="replace")
        listed = "\n  ".join(found[:10])
        raise ResponseViolation(f"{method} {path} -> {status}:\n  {listed}\n{shown}")
