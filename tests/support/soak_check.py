"""Compares what each process applied with what the database holds and what the others applied."""

import subprocess
from pathlib import Path
from typing import NamedTuple

from applied_rows import Life, read_lives
from launcher import postgres
from launcher.cluster import Cluster

#: Every token of a stream that has rows in the database, and who wrote it ('' where there is only one writer). What was
#: replaced by something newer is gone; who missed that missed nothing.
TOKENS = """
    SELECT 'events', COALESCE(instance_name, ''), stream_ordering
        FROM events LEFT JOIN event_writers ON tag = writer_tag WHERE stream_ordering > 0 AND NOT outlier
    UNION SELECT 'events', COALESCE(instance_name, ''), stream_id
        FROM current_state_delta_stream LEFT JOIN event_writers ON tag = writer_tag
    UNION SELECT 'caches', instance_name, stream_id FROM cache_invalidation_stream_by_instance
    UNION SELECT 'receipts', '', stream_id FROM receipts_linearized
    UNION SELECT 'account_data', '', stream_id FROM account_data
    UNION SELECT 'account_data', '', stream_id FROM room_account_data
    UNION SELECT 'tag_account_data', '', stream_id FROM room_tags_revisions
    UNION SELECT 'presence', '', stream_id FROM presence_stream
    UNION SELECT 'push_rules', '', stream_id FROM push_rules_stream
    UNION SELECT 'public_rooms', '', stream_id FROM public_room_list_stream
    UNION SELECT 'pushers', '', id FROM pushers
    UNION SELECT 'pushers', '', stream_id FROM deleted_pushers
    UNION SELECT 'device_lists', '', stream_id FROM device_lists_stream
    UNION SELECT 'to_device', '', stream_id FROM device_inbox
"""

#: Their rows say that there is something new for somebody. Catching up, a process is told of each once, under the newest
#: token.
NEWEST_ONLY = ("to_device", "device_lists")

#: Writes every stream that has only one writer, unless configuration says otherwise.
MASTER = "master"

#: Only their writer has the rows, and counts anew when it starts: not compared.
IN_MEMORY = ("typing", "federation")


class Verdict(NamedTuple):
    lost: list
    duplicated: list
    out_of_order: list
    rows_written: int
    lives: int  # processes that ran, one after the other under a few names


def database_tokens(cluster: Cluster) -> dict:
    """(stream, instance) -> tokens; the instance is '' where there is only one."""
    command = [postgres.program("psql"), "-h", str(cluster.postgres_socket_dir), "-U", postgres.SUPERUSER]
    command += ["-d", postgres.DATABASE, "-XtAF", "|", "-c", TOKENS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    tokens: dict = {}
    for line in done.stdout.splitlines():
        stream, instance, token = line.split("|")
        tokens.setdefault((stream, instance), set()).add(int(token))
    return tokens


def check(cluster: Cluster, files: dict) -> Verdict:
    """`files`: process -> the file of the rows that it applied."""
    tokens = database_tokens(cluster)
    processes = {process: read_lives(Path(file)) for process, file in files.items()}
    everything = [(f"{process}, life {n}", life) for process, lives in processes.items() for n, life in enumerate(lives)]
    last_lives = {id(lives[-1]) for lives in processes.values()}
    written = all_rows(life for _, life in everything)
    lost, duplicated, out_of_order = [], [], []
    for who, life in everything:
        twice, late = order(life)
        duplicated += [f"{who}: {what}" for what in twice]
        out_of_order += [f"{who}: {what}" for what in late]
        lost += [f"{who}: {what}" for what in missing(tokens, written, life, id(life) in last_lives)]
        lost += [f"{who}: {what}" for what in incomplete(written, life)]
    return Verdict(lost, duplicated, out_of_order, sum(map(len, written.values())), len(everything))


def all_rows(lives) -> dict:
    """(stream, instance, token) -> the rows that anybody applied under it."""
    found: dict = {}
    for life in lives:
        for row in life.rows:
            if row.stream not in IN_MEMORY:
                found.setdefault((row.stream, row.instance, row.token), set()).add(row.text)
    return found


def missing(tokens: dict, written: dict, life: Life, is_last: bool) -> list:
    """What a process should have applied and did not, of all that came after what it knew at its start, up to the last
    token that it applied or, if it lives on, to the end."""
    return [
        f"{stream} {instance} {token}"
        for (stream, instance), all_tokens in tokens.items()
        for token in missing_tokens(all_tokens, stream, instance, life, is_last)
        if not told_later(life, stream, token, written.get((stream, instance or MASTER, token), set()))
    ]


def missing_tokens(all_tokens: set, stream: str, instance: str, life: Life, is_last: bool) -> list:
    applied = {row.token for row in life.rows if row.stream == stream and instance in ("", row.instance)}
    known = max(
        (at for (name, who), at in life.positions.items() if name == stream and instance in ("", who)), default=0
    )
    reached = max(applied, default=0)
    wanted = {token for token in all_tokens if token > known and (is_last or token < reached)}
    return sorted(wanted - applied)


def told_later(life: Life, stream: str, token: int, texts: set) -> bool:
    """Each of these rows was applied under a later token."""
    if stream not in NEWEST_ONLY or not texts:
        return False
    return all(life.newest.get((stream, text), 0) > token for text in texts)


def incomplete(written: dict, life: Life) -> list:
    """Tokens of which only some rows were applied."""
    found = []
    for (stream, instance, token), texts in all_rows([life]).items():
        others = written[stream, instance, token] - texts
        if others and not told_later(life, stream, token, others):
            found.append(f"{stream} {instance} {token}: without {len(others)} of its rows")
    return found


def order(life: Life) -> tuple:
    """(applied twice, applied after a greater one)."""
    twice, late = [], []
    last: dict = {}  # (stream, instance) -> token of the group of rows that was applied last
    groups: dict = {}  # (stream, instance) -> tokens
    texts: dict = {}  # (stream, instance) -> rows of that group
    for row in life.rows:
        if row.stream in IN_MEMORY:
            continue
        key = row.stream, row.instance
        name = f"{row.stream} {row.instance} {row.token}"
        if last.get(key) == row.token:
            if row.text in texts[key]:
                twice.append(name)
            texts[key].add(row.text)
            continue
        if row.token in groups.setdefault(key, set()):
            twice.append(name)
        elif row.token < last.get(key, 0):
            late.append(name)
        groups[key].add(row.token)
        last[key] = row.token
        texts[key] = {row.text}
    return twice, late
