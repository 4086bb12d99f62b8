"""Compares answers of Weft with those that a Synapse 1.15 gave to the same requests.

`DIFFERENCES` are all the ways in which the two may differ; why each of them is right, says
docs/adopting-synapse.md under the same name. A difference rewrites both answers, so that they are equal
where nothing else distinguishes them, and is as narrow as it can be.
"""

import copy
import json
import re
from dataclasses import dataclass
from typing import Callable, Iterator

from synapse_fixture import Recorded

#: Members that the events of r0 carried twice: at the top and in `unsigned`.
LEGACY_COPIES = ("age", "prev_content", "replaces_state", "redacted_because")
#: What a part of /sync looks like that has nothing to say.
EMPTY_SECTIONS = ({}, {"events": []}, {"changed": [], "left": []})
#: Parts of a /sync token, and those of them that depend on when a server was started.
TOKEN_PARTS = 9
PASSING_PARTS = (1, 2, 3, 8)  # presence, typing, receipts, groups


@dataclass(frozen=True)
class Difference:
    name: str
    path: str  # a regular expression for the paths it concerns
    rewrite: Callable  # (recorded request, Synapse's answer, Weft's answer), both changed in place


DIFFERENCES: list = []


def difference(name: str, path: str = ""):
    def add(rewrite: Callable) -> Callable:
        DIFFERENCES.append(Difference(name, path, rewrite))
        return rewrite

    return add


def unexplained(request: Recorded, answer: object, leave_out: str = "") -> str:
    """Where the answer differs from the recorded one beyond the known differences; "" if nowhere. One of
    the differences may be left out, to see whether it is needed."""
    theirs, ours = copy.deepcopy(request.response), copy.deepcopy(answer)
    for known in DIFFERENCES:
        if known.name != leave_out and re.search(known.path, request.path.partition("?")[0]):
            known.rewrite(request, theirs, ours)
    return "\n".join(compare(theirs, ours, ""))


def compare(theirs: object, ours: object, where: str) -> Iterator[str]:
    """A line for each place where two JSON values differ."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            if key not in ours:
                yield f"{where}.{key}: only Synapse has {json.dumps(theirs[key])}"
            elif key not in theirs:
                yield f"{where}.{key}: only Weft has {json.dumps(ours[key])}"
            else:
                yield from compare(theirs[key], ours[key], f"{where}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (one, other) in enumerate(zip(theirs, ours)):
            yield from compare(one, other, f"{where}[{number}]")
    elif theirs != ours or type(theirs) is not type(ours):
        yield f"{where}: Synapse {json.dumps(theirs)}, Weft {json.dumps(ours)}"


# Walking through answers


def events_in(value: object) -> Iterator[dict]:
    """Every room event in an answer, also inside others."""
    if isinstance(value, dict):
        if "event_id" in value and "type" in value:
            yield value
        for inner in value.values():
            yield from events_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from events_in(inner)


def rooms_in(sync: dict, kind: str) -> dict:
    return sync.get("rooms", {}).get(kind, {})


def pairs(theirs: dict, ours: dict, kind: str) -> Iterator[tuple]:
    """Both sides' parts of the rooms that both have."""
    for room_id, room in rooms_in(theirs, kind).items():
        if room_id in rooms_in(ours, kind):
            yield room, rooms_in(ours, kind)[room_id]


def rulesets(answer: dict) -> Iterator[dict]:
    """The push rules in an answer of /pushrules or of /sync."""
    if "global" in answer:
        yield answer
    for event in answer.get("account_data", {}).get("events", []):
        if event["type"] == "m.push_rules":
            yield event["content"]


# What depends on when it was asked


@difference("age")
def drop_age(_: Recorded, theirs: object, ours: object) -> None:
    for answer in (theirs, ours):
        for event in events_in(answer):
            event.get("unsigned", {}).pop("age", None)
            event.pop("age", None)
            if event.get("unsigned") == {}:
                del event["unsigned"]


@difference("last-seen", "/devices$")
def drop_last_seen(_: Recorded, theirs: dict, ours: dict) -> None:
    for device in theirs["devices"] + ours["devices"]:
        device.pop("last_seen_ts", None)
        device.pop("last_seen_ip", None)


@difference("sync-tokens", "/sync$")
def compare_lasting_parts_of_tokens(_: Recorded, theirs: dict, ours: dict) -> None:
    for answer in (theirs, ours):
        parts = answer["next_batch"].split("_")
        if len(parts) == TOKEN_PARTS:
            for position in PASSING_PARTS:
                parts[position] = "*"
        answer["next_batch"] = "_".join(parts)
        for kind in ("join", "leave"):
            for room in rooms_in(answer, kind).values():
                if re.match(r"[st]\d+", room["timeline"].get("prev_batch", "")):
                    del room["timeline"]["prev_batch"]


@difference("typing", "/sync$")
def drop_nobody_types(_: Recorded, theirs: dict, ours: dict) -> None:
    nobody = {"type": "m.typing", "content": {"user_ids": []}}
    for room, _ in pairs(theirs, ours, "join"):
        if nobody in room["ephemeral"]["events"]:
            room["ephemeral"]["events"].remove(nobody)


# Lists that have no order


@difference("order")
def sort_unordered_lists(_: Recorded, theirs: object, ours: object) -> None:
    for answer in (theirs, ours):
        if isinstance(answer, list):  # /state
            answer.sort(key=lambda event: event["event_id"])
            continue
        answer.get("joined_rooms", []).sort()
        answer.get("account_data", {}).get("events", []).sort(key=lambda event: event["type"])
        members = answer.get("chunk", [])
        if all(event["type"] == "m.room.member" for event in members):
            members.sort(key=lambda event: event["event_id"])


# What the specification has changed since


@difference("whoami", "/whoami$")
def drop_device_and_guest(request: Recorded, _: dict, ours: dict) -> None:
    if ours.get("device_id") == request.device_id:
        del ours["device_id"]
    if ours.get("is_guest") is False:
        del ours["is_guest"]


@difference("legacy-event-members", "/(messages|members|state)$")
def drop_copies(_: Recorded, theirs: object, __: object) -> None:
    for event in events_in(theirs):
        if event.get("user_id") == event["sender"]:
            del event["user_id"]
        for key in LEGACY_COPIES:
            if key in event and event[key] == event.get("unsigned", {}).get(key):
                del event[key]


@difference("transaction-ids", "/messages$")
def drop_transaction_ids(_: Recorded, __: dict, ours: dict) -> None:
    for event in events_in(ours):
        facts = event.get("unsigned", {})
        facts.pop("transaction_id", None)
        if facts == {}:
            event.pop("unsigned", None)


@difference("redacts-in-content")
def drop_redacts_in_content(_: Recorded, theirs: object, ours: object) -> None:
    for event in events_in(ours):
        if event["type"] == "m.room.redaction" and event["content"].get("redacts") == event["redacts"]:
            del event["content"]["redacts"]


@difference("membership-at-event")
def drop_membership(_: Recorded, theirs: object, ours: object) -> None:
    for event in events_in(ours):
        unsigned = event.get("unsigned", {})
        if unsigned.get("membership") in ("join", "invite", "leave", "ban", "knock"):
            del unsigned["membership"]
            if not unsigned:
                del event["unsigned"]


@difference("redacted-because")
def drop_what_hangs_on_redactions(_: Recorded, theirs: object, ours: object) -> None:
    for answer in (theirs, ours):
        for event in events_in(answer):
            facts = event.get("unsigned", {})
            because = facts.get("redacted_because")
            if because is None:
                continue
            if facts.get("redacted_by") == because["event_id"]:
                del facts["redacted_by"]
            because.pop("room_id", None)
            because.pop("user_id", None)


@difference("default-push-rules", "/(pushrules/|sync)$")
def keep_what_users_decided(_: Recorded, theirs: dict, ours: dict) -> None:
    known = [
        {rule["rule_id"] for rules in ruleset["global"].values() for rule in rules}
        for answer in (theirs, ours)
        for ruleset in rulesets(answer)
    ]
    both = set.intersection(*known) if known else set()
    for answer in (theirs, ours):
        for ruleset in rulesets(answer):
            for kind, rules in ruleset["global"].items():
                own = [rule for rule in rules if not rule["default"]]
                defaults = {
                    rule["rule_id"]: rule["enabled"]
                    for rule in rules
                    if rule["default"] and rule["rule_id"] in both
                }
                ruleset["global"][kind] = {"own": own, "defaults": defaults}


@difference("device-push-rules", "/(pushrules/|sync)$")
def drop_device_rules(_: Recorded, theirs: dict, __: dict) -> None:
    for ruleset in rulesets(theirs):
        if ruleset.get("device") == {}:
            del ruleset["device"]


@difference("last-page", "/messages$")
def drop_end_of_last_page(_: Recorded, theirs: dict, ours: dict) -> None:
    reached_start = ours["chunk"] and ours["chunk"][-1]["type"] == "m.room.create"
    if reached_start and "end" not in ours:
        theirs.pop("end", None)


@difference("room-summary", "/sync$")
def drop_summaries(_: Recorded, theirs: dict, ours: dict) -> None:
    for room, our_room in pairs(theirs, ours, "join"):
        if room["summary"] == {}:
            our_room["summary"] = {}


@difference("unread-counts", "/sync$")
def drop_zero_counts(_: Recorded, theirs: dict, ours: dict) -> None:
    for room, our_room in pairs(theirs, ours, "join"):
        counts = our_room["unread_notifications"]
        if room["unread_notifications"] == {} and set(counts.values()) == {0}:
            our_room["unread_notifications"] = {}


@difference("fallback-keys", "/sync$")
def drop_fallback_keys(_: Recorded, __: dict, ours: dict) -> None:
    if ours.get("device_unused_fallback_key_types") == []:
        del ours["device_unused_fallback_key_types"]


# What says nothing


@difference("key-counts", "/sync$")
def drop_count_of_no_keys(_: Recorded, theirs: dict, ours: dict) -> None:
    counts = ours["device_one_time_keys_count"]
    name = "signed_curve25519"
    if name not in theirs["device_one_time_keys_count"] and counts.get(name) == 0:
        del counts[name]


@difference("null-members", "/(devices|joined_members)$")
def drop_null_members(_: Recorded, theirs: dict, __: dict) -> None:
    for entry in [*theirs.get("devices", []), *theirs.get("joined", {}).values()]:
        for key in [key for key, value in entry.items() if value is None]:
            del entry[key]


@difference("device-owner", "/devices$")
def drop_owner_of_devices(request: Recorded, theirs: dict, __: dict) -> None:
    for device in theirs["devices"]:
        if device["user_id"] == request.user_id:
            del device["user_id"]


@difference("empty-sections", "/sync$")
def drop_empty_sections(_: Recorded, theirs: dict, ours: dict) -> None:
    for answer in (theirs, ours):
        for kind in ("join", "invite", "leave"):
            if rooms_in(answer, kind) == {}:
                answer.get("rooms", {}).pop(kind, None)
        for section in ("presence", "to_device", "device_lists", "rooms"):
            if answer.get(section) in EMPTY_SECTIONS:
                del answer[section]


@difference("groups", "/sync$")
def drop_no_groups(_: Recorded, theirs: dict, __: dict) -> None:
    if theirs.get("groups") == {"join": {}, "invite": {}, "leave": {}}:
        del theirs["groups"]
