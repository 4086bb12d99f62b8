"""Requests that no client should send, made from an operation of the specification."""

import copy
import json
import random
from dataclasses import dataclass, field
from typing import Any, Iterator, Optional
from urllib.parse import quote

from openapi import Operation

#: In place of any JSON value: what a reader may trip over.
JSON_VALUES = (
    None, True, 0, -1, 1.5, 2**53, 2**63, -(2**63) - 1, 10**40, 1e308, "", "x", "\0", "a\0b", "\ud800", "é🧵",
    "x" * 70_000, "@", "!", "$", "#", "@a:b", "!a:b", "$a", "#a:b", [], [[]], [None], [1, "a", {}], {}, {"": ""},
    {"a": {"b": [{}]}}, {"\0": "\0"}, {"x" * 300: 1},
)  # fmt: skip

#: In place of a path or query parameter; already escaped, where it is.
URL_VALUES = (
    "", "%", "%z1", "%0", "%00", "a%00b", "%FF", "%C3%28", "%ED%A0%80", "%F0%9F%A7%B5", "..", ".", "%2E%2E%2F", "%2F",
    "a" * 3000, "@", "!", "$", "%23", "%40a", "@a:", "@:b", "!a:b", "%23a:b", "$a", "-1", "0", "1e3", "0x10",
    "9" * 30, "-" + "9" * 30, "1.5", "true", "null", "{}", "[]", "%7B%22a%22:1%7D", "%7B", "*", "a*b", "+", "a+b", "a&b",
    "s0_0", "t-1_-1", "m.a", "%0A", "%0D%0Aa:b", "'", "%22", ";",
)  # fmt: skip

#: Bodies that are no JSON object at all.
RAW_BODIES = (
    b"", b"{", b"}", b"{}}", b"[]", b"null", b"true", b"0", b'""', b"nan", b'{"a":NaN}', b'{"a":1e999}', b'{"a":01}',
    b'{"a":}', b"{'a':1}", b'{"a":1,}', b'{"a":1,"a":2}', b'\xef\xbb\xbf{}', b"\xff\xfe{\x00}\x00", b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}', b'{"a":"\\ud800"}', b'{"\\ud800":1}', b'{"a":"\\u0000"}', b'{"a":"\x00"}', b"\0", b'{"a":"\n"}',
    b"[" * 100_000, b'{"a":' * 20_000, b"[" * 50_000 + b"]" * 50_000, b'{"a":"' + b"x" * 2_000_000 + b'"}',
    b'{"a":' + b"9" * 5000 + b"}", b"<xml/>", b"a=b&c=d", b"/**/{}", b'{"a":1}garbage',
)  # fmt: skip

TOKENS = (
    None, "", "Bearer", "Bearer ", "Bearer x", "bearer x y", "Basic YTpi", "Bearer " + "x" * 5000, "Bearer \xff\xfe",
    "Bearer syt_a_b_c", "Bearer %00",
)  # fmt: skip

WRONG_METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "FROB", "get")


@dataclass
class Request:
    """One request on the wire. `target` is sent as it is."""

    operation: Operation
    method: str
    target: str
    headers: dict = field(default_factory=dict)
    body: Optional[bytes] = None
    what: str = ""

    def __str__(self) -> str:
        body = "" if self.body is None else f" {self.body[:300]!r} ({len(self.body)} bytes)"
        return f"{self.operation.id}, {self.what}: {self.method} {self.target[:300]}{body}"


class Generator:
    """Makes requests for operations out of values that exist (`known`: parameter name -> value)."""

    def __init__(self, known: dict, token: str, seed: int):
        self.known = known
        self.token = token
        self.random = random.Random(seed)

    # A request as it should be

    def well_formed(self, operation: Operation) -> Request:
        body = None
        if operation.body is not None:
            body = encoded(self.example(operation.body))
        target = self.target(operation, self.path_values(operation), self.query_values(operation))
        return Request(operation, operation.method, target, self.headers(), body, "well-formed")

    def headers(self) -> dict:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}

    def path_values(self, operation: Operation) -> dict:
        return {
            parameter["name"]: quote(str(self.value_of(parameter)), safe="@!$:")
            for parameter in operation.parameters
            if parameter["in"] == "path"
        }

    def query_values(self, operation: Operation) -> list:
        return [
            (parameter["name"], quote(str(self.value_of(parameter)), safe=""))
            for parameter in operation.parameters
            if parameter["in"] == "query" and parameter.get("required")
        ]

    def value_of(self, parameter: dict) -> Any:
        name, schema = parameter["name"], parameter.get("schema", {})
        if name in self.known:
            return self.known[name]
        if schema.get("enum"):
            return schema["enum"][0]
        return parameter.get("example", schema.get("example", "x"))

    @staticmethod
    def target(operation: Operation, path_values: dict, query: list) -> str:
        target = operation.path
        for name, value in path_values.items():
            target = target.replace("{" + name + "}", value)
        return target + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")

    def example(self, schema: dict) -> Any:
        """A value of this schema: what the specification shows, else what its types say."""
        if "example" in schema:
            return self.with_known(copy.deepcopy(schema["example"]))
        merged = dict(schema)
        for part in schema.get("allOf", []):
            merged["properties"] = {**merged.get("properties", {}), **part.get("properties", {})}
            merged["required"] = [*merged.get("required", []), *part.get("required", [])]
            merged.setdefault("type", part.get("type"))
        for part in schema.get("oneOf", [])[:1]:
            return self.example(part)
        if merged.get("enum"):
            return merged["enum"][0]
        kind = merged.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object" or "properties" in merged:
            wanted = merged.get("required") or list(merged.get("properties", {}))
            properties = merged.get("properties", {})
            made = {name: self.example(properties.get(name, {})) for name in wanted}
            return self.with_known(made)
        return {"array": [], "string": "x", "integer": 1, "number": 1, "boolean": False}.get(kind, {})

    def with_known(self, value: Any) -> Any:
        """The example with IDs of things that exist here."""
        names = {"room_id": "roomId", "user_id": "user_id", "event_id": "eventId"}
        if isinstance(value, dict):
            for key in value:
                if names.get(key) in self.known and isinstance(value[key], str):
                    value[key] = self.known[names[key]]
        return value

    # Requests as they should not be

    def malformed(self, operation: Operation) -> Iterator[Request]:
        """All that can be wrong with one thing at a time, in random order; then two at a time."""
        cases = [*self.bad_bodies(operation), *self.bad_urls(operation), *self.bad_frames(operation)]
        self.random.shuffle(cases)
        yield from cases

    def bad_frames(self, operation: Operation) -> Iterator[Request]:
        good = self.well_formed(operation)
        for token in TOKENS:
            headers = {**good.headers, "Authorization": token}
            if token is None:
                del headers["Authorization"]
            yield changed(good, f"token {token!r}"[:60], headers=headers)
        for method in WRONG_METHODS:
            if method != operation.method:
                yield changed(good, f"method {method}", method=method)
        for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "\xff"):
            yield changed(good, f"content type {kind!r}", headers={**good.headers, "Content-Type": kind})
        yield changed(good, "a trailing slash", target=good.target.replace("?", "/?") if "?" in good.target else good.target + "/")
        yield changed(good, "a doubled slash", target=good.target.replace("/client/", "/client//"))
        yield changed(good, "another version", target=good.target.replace("/v3/", "/v99/").replace("/v1/", "/v99/"))
        yield changed(good, "a fragment", target=good.target + "#x")

    def bad_urls(self, operation: Operation) -> Iterator[Request]:
        path, query = self.path_values(operation), self.query_values(operation)
        good = self.well_formed(operation)
        for name in path:
            for value in URL_VALUES:
                target = self.target(operation, {**path, name: value}, query)
                yield changed(good, f"path parameter {name}", target=target)
        for parameter in operation.parameters:
            name = parameter["name"]
            if parameter["in"] != "query":
                continue
            others = [pair for pair in query if pair[0] != name]
            yield changed(good, f"without {name}", target=self.target(operation, path, others))
            for value in URL_VALUES:
                if name == "timeout" and value.isdigit():
                    continue  # a client may wait as long as it likes
                target = self.target(operation, path, [*others, (name, value)])
                yield changed(good, f"query parameter {name}", target=target)
            twice = [*others, (name, "x"), (name, "y")]
            yield changed(good, f"{name} twice", target=self.target(operation, path, twice))
        for junk in ("%", "%zz=1", "&&&", "=", "?", "a=" + "b" * 20_000, "%FF=%FF", "a[]=1", "access_token=%00"):
            joined = good.target + ("&" if "?" in good.target else "?") + junk
            yield changed(good, "junk in the query", target=joined)

    def bad_bodies(self, operation: Operation) -> Iterator[Request]:
        good = self.well_formed(operation)
        if operation.method in ("GET", "DELETE"):
            yield changed(good, "a body", body=b'{"a":1}')
            yield changed(good, "a body that is no JSON", body=b"\xff\xff")
        if operation.method == "GET":
            return
        for raw in RAW_BODIES:
            yield changed(good, "raw body", body=raw)
        if operation.body is None:
            return
        example = self.full_example(operation.body)
        for path in places(example):
            yield changed(good, f"without {path}", body=encoded(replaced(example, path, remove=True)))
            for value in JSON_VALUES:
                body = encoded(replaced(example, path, value))
                yield changed(good, f"{'.'.join(map(str, path))} = {value!r}"[:80], body=body)
        if isinstance(example, dict):
            many = {**example, **{f"org.example.{number}": number for number in range(2000)}}
            yield changed(good, "many more members", body=encoded(many))
            yield changed(good, "unknown members", body=encoded({**example, "\0": 1, "": {}, "é": []}))

    def full_example(self, schema: dict) -> Any:
        """With every property that the schema names, not only the required ones."""
        made = self.example(schema)
        if not isinstance(made, dict):
            return made
        parts = [schema, *schema.get("allOf", [])]
        for part in parts:
            for name, member in part.get("properties", {}).items():
                if name not in made:
                    made[name] = self.example(member)
        return made


def changed(good: Request, what: str, **changes) -> Request:
    values = {**vars(good), "what": what, **changes}
    return Request(**values)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def places(value: Any, depth: int = 0) -> Iterator[tuple]:
    """The path of each member, four levels deep; of a list, its first items."""
    if depth == 4:
        return
    members = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, member in members:
        yield (key,)
        for rest in places(member, depth + 1):
            yield (key, *rest)


def replaced(value: Any, path: tuple, by: Any = None, remove: bool = False) -> Any:
    made = copy.deepcopy(value)
    holder = made
    for step in path[:-1]:
        holder = holder[step]
    if remove:
        del holder[path[-1]]
    else:
        holder[path[-1]] = by
    return made
