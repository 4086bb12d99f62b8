"""The routing table: which worker kind serves which method and path, straight from the binaries.

`weft-master --print-routes` prints the endpoint table that the processes themselves are built from;
here its rows are merged into the fewest matching rules and put into order. The proxies' files
(`haproxy`, `nginx`) are made from these.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from launcher.console import LauncherError

#: The segment of a path that says which API version is asked for.
VERSION = re.compile(r"^(r0|v\d+|unstable)$")
PARAMETER = re.compile(r"^\{[^}]*\}$")

#: What clients do most; their rules are tried first.
HOT_OPERATIONS = ("sync", "sendMessage", "setReadMarker", "postReceipt", "setTyping")


@dataclass(frozen=True)
class Route:
    """One row of the endpoint table."""

    method: str
    path: str  # /_matrix/client/v3/rooms/{roomId}/state
    operation: str
    workers: tuple  # preferred kinds; none: the master
    key: str  # "room", "user" or "any": what ties a request to one of several processes


@dataclass(frozen=True)
class Target:
    """A group of processes, and how requests are spread over it."""

    kind: str
    key: str
    room_segment: int = 0  # key "room": which segment of the path, from 1, is the room's ID

    @property
    def name(self) -> str:
        if self.kind == "master" or self.key == "any":
            return self.kind
        # Nearly everywhere the ID is the fifth: /_matrix/client/v3/rooms/ID
        suffix = f"_{self.room_segment}" if self.key == "room" and self.room_segment != 5 else ""
        return f"{self.kind}_by_{self.key}{suffix}"


@dataclass(frozen=True)
class Rule:
    """Requests whose "METHOD:path" equals `text` or, for a pattern, matches it."""

    target: Target
    is_pattern: bool
    text: str


MASTER = Target("master", "any")


def load(master_binary: Path) -> list:
    """The endpoint table as the binary prints it."""
    try:
        done = subprocess.run(
            [str(master_binary), "--print-routes"], capture_output=True, text=True, timeout=60
        )
    except OSError as problem:
        raise LauncherError(f"cannot run {master_binary}: {problem.strerror}") from None
    if done.returncode != 0:
        raise LauncherError(f"{master_binary} --print-routes failed:\n{done.stderr.strip()}")
    return [
        Route(row["method"], row["path"], row["operation"], tuple(row["workers"]), row["key"])
        for row in json.loads(done.stdout)
    ]


def segments(path: str) -> list:
    return path.strip("/").split("/")


def target_of(route: Route, scale: dict) -> Target:
    """The first preferred kind that there is a process of, or else the master."""
    for kind in route.workers:
        if scale.get(kind, 0) > 0:
            room_segment = room_segment_of(route) if route.key == "room" else 0
            key = "any" if route.key == "room" and not room_segment else route.key
            return Target(kind, key, room_segment)
    return MASTER


def room_segment_of(route: Route) -> int:
    for number, segment in enumerate(segments(route.path), start=1):
        if segment.startswith("{roomId"):
            return number
    return 0


def pattern_of(path: str) -> str:
    """A regular expression for a path template. Only the last segment may be empty (`state/TYPE/`);
    `{name*}` is any rest, also none."""
    parts = segments(path)
    text = ""
    for number, segment in enumerate(parts, start=1):
        if PARAMETER.match(segment):
            if segment.endswith("*}"):
                text += "(?:/.*)?"
            else:
                text += "/[^/]*" if number == len(parts) else "/[^/]+"
        else:
            text += "/" + escape(segment)
    return text + ("/" if path.endswith("/") else "")


def escape(text: str) -> str:
    return re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", text)


def is_exact(path: str) -> bool:
    return "{" not in path


def rules(routes: list, scale: dict) -> list:
    """What a proxy has to match, in this order; what no rule matches goes to the master."""
    by_target = [(route, target_of(route, scale)) for route in routes]
    elsewhere = [(route, target) for route, target in by_target if target != MASTER]
    # The master is the default, so its rows are needed only where a worker's pattern covers them.
    for route, target in by_target:
        if target == MASTER and any(covers(other, route) for other, _ in elsewhere):
            elsewhere.append((route, target))
    return exact_rules(elsewhere) + pattern_rules(elsewhere)


def covers(other: Route, route: Route) -> bool:
    """Does the pattern of `other` match paths of `route`?"""
    if is_exact(other.path) or other.method != route.method:
        return False
    example = re.sub(r"\{[^}]*\}", "x", route.path)
    return re.fullmatch(pattern_of(other.path), example) is not None


def exact_rules(rows: list) -> list:
    """In any order they mean the same: those of one target together, the hottest target first."""
    exact = [(route, target) for route, target in rows if is_exact(route.path)]
    hottest = {}
    for route, target in exact:
        hottest[target] = min(heat(route.operation), hottest.get(target, len(HOT_OPERATIONS)))
    exact.sort(key=lambda row: (hottest[row[1]], row[1].name))
    return [Rule(target, False, f"{route.method}:{route.path}") for route, target in exact]


def pattern_rules(rows: list) -> list:
    """One pattern for all methods and API versions of a path that go the same way."""
    merged = {}
    for route, target in rows:
        if is_exact(route.path):
            continue
        parts = segments(route.path)
        at = next((i for i, part in enumerate(parts) if VERSION.match(part)), None)
        version = parts[at] if at is not None else None
        shape = tuple("\0" if i == at else part for i, part in enumerate(parts))
        shape += ("",) if route.path.endswith("/") else ()
        entry = merged.setdefault((shape, version is not None, target), {})
        entry.setdefault(version, {})[route.method] = route.operation
    found = []
    for (shape, _, target), versions in merged.items():
        by_methods = {}
        for version, methods in versions.items():
            by_methods.setdefault(tuple(sorted(methods)), []).append(version)
        for methods, names in by_methods.items():
            path = pattern_of("/" + "/".join(shape)).replace("\0", alternatives(names))
            operation = min((versions[names[0]][m] for m in methods), key=heat)
            static = sum(1 for part in shape if not PARAMETER.match(part))
            rule = Rule(target, True, f"^{alternatives(list(methods))}:{path}$")
            # Hottest first; of the others the more specific first, for where two match.
            found.append((heat(operation), -static, rule.text, rule))
    return [rule for *_, rule in sorted(found, key=lambda entry: entry[:3])]


def alternatives(words: list) -> str:
    words = sorted(word for word in words if word is not None)
    return words[0] if len(words) == 1 else f"(?:{'|'.join(words)})" if words else ""


def heat(operation: str) -> int:
    return HOT_OPERATIONS.index(operation) if operation in HOT_OPERATIONS else len(HOT_OPERATIONS)


def targets(found: list) -> list:
    """The targets of some rules, each once, in order of their first use; never the master."""
    return list(dict.fromkeys(rule.target for rule in found if rule.target != MASTER))


def resolve(method: str, path: str, found: list) -> Target:
    """Where a request goes by these rules: what the proxies do, for tests."""
    request = f"{method}:{path}"
    for rule in found:
        matched = re.search(rule.text, request) if rule.is_pattern else rule.text == request
        if matched:
            return rule.target
    return MASTER
