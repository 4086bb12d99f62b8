"""Accounts and rooms by SQL: thousands of joins over HTTP would take longer than what is measured.

Accounts are rows with a token each. Rooms are copies of one that was made over HTTP, so that every table has
what the server itself writes; only IDs and positions differ. The copies' event IDs are no hashes of theirs,
which nothing on a single server asks about.
"""

import subprocess
from pathlib import Path

import yaml

#: Columns that name an event.
EVENT_COLUMNS = {"event_id", "prev_event_id", "auth_id", "last_event_id", "threads_id"}
#: Columns of positions in a stream; each copy is put far behind the one before.
POSITION_COLUMNS = {"stream_ordering", "event_stream_ordering", "stream_id", "min_stream_id", "completed_delta_stream_id"}
#: Columns of state groups.
GROUP_COLUMNS = {"state_group", "prev_state_group"}
POSITIONS_A_COPY = 100_000
GROUPS_A_COPY = 100_000

FUNCTIONS = """
CREATE FUNCTION pg_temp.copied_event(id text, copy int) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT '$' || rtrim(translate(encode(sha256((id || copy)::bytea), 'base64'), '+/', '-_'), '=') $$;
"""


class Sql:
    """Statements on a cluster's database."""

    def __init__(self, data_dir: Path):
        config = yaml.safe_load((data_dir / "homeserver.yaml").read_text())
        args = config["database"]["args"]
        self.command = ["psql", "-h", args["host"], "-U", args["user"], "-d", args["dbname"]]
        self.command += ["-XtAq", "-v", "ON_ERROR_STOP=1"]

    def run(self, script: str, seconds: int = 150) -> str:
        done = subprocess.run(
            self.command, input=script, capture_output=True, text=True, timeout=seconds
        )
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr[-2000:]}")
        return done.stdout.strip()


def add_accounts(sql: Sql, server_name: str, group: str, count: int) -> list:
    """Makes accounts with a device each; [[user ID, access token] ...]."""
    accounts = [[f"@{group}{i}:{server_name}", f"token_of_{group}{i}"] for i in range(count)]
    sql.run(
        f"""BEGIN;
        CREATE TEMPORARY TABLE wanted AS SELECT '@{group}' || i || ':{server_name}' AS user_id,
            '{group}' || i AS localpart, 'token_of_{group}' || i AS token FROM generate_series(0, {count - 1}) AS i;
        INSERT INTO users (name, creation_ts) SELECT user_id, extract(epoch FROM now())::bigint FROM wanted;
        INSERT INTO profiles (user_id, displayname) SELECT localpart, 'Person ' || localpart FROM wanted;
        INSERT INTO devices (user_id, device_id, display_name) SELECT user_id, 'BENCH', 'bench' FROM wanted;
        INSERT INTO access_tokens (id, user_id, device_id, token)
            SELECT nextval('weft_access_token_id_seq'), user_id, 'BENCH', token FROM wanted;
        COMMIT;"""
    )
    return accounts


def copy_room(sql: Sql, room_id: str, copies: int) -> None:
    """Copies a room with all that is known of it. The processes must be started anew afterwards: they do not
    know of the new positions."""
    tables = sql.run(
        "SELECT table_name, string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns "
        "WHERE table_schema = 'public' AND is_generated = 'NEVER' GROUP BY table_name "
        "HAVING bool_or(column_name = 'room_id') ORDER BY table_name"
    )
    statements = [FUNCTIONS]
    for line in tables.splitlines():
        table, columns = line.split("|")
        where = f"WHERE t.room_id = '{room_id}'"
        if sql.run(f"SELECT EXISTS (SELECT FROM {table} AS t {where})") == "t":
            statements.append(copy_table(table, columns.split(","), where, room_id, copies))
    events = f"(SELECT event_id FROM events WHERE room_id = '{room_id}')"
    groups = f"(SELECT id FROM state_groups WHERE room_id = '{room_id}')"
    for table, columns, where in (
        ("event_to_state_groups", ["event_id", "state_group"], f"WHERE t.event_id IN {events}"),
        ("state_group_edges", ["state_group", "prev_state_group"], f"WHERE t.state_group IN {groups}"),
    ):
        statements.append(copy_table(table, columns, where, room_id, copies))
    statements.append("SELECT setval('state_group_id_seq', (SELECT max(id) FROM state_groups));")
    statements.append("ANALYZE;")
    sql.run("\n".join(statements))


def copy_table(table: str, columns: list, where: str, room_id: str, copies: int) -> str:
    values = ", ".join(copied(table, column, room_id) for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    return (
        f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS t, generate_series(1, {copies}) AS copy {where};"
    )


def copied(table: str, column: str, room_id: str) -> str:
    """The column's value in a copy."""
    new_room = "'!copy' || copy || substr(t.room_id, strpos(t.room_id, ':'))"
    if column == "room_id":
        return new_room
    if column in EVENT_COLUMNS:
        return f"pg_temp.copied_event(t.{column}, copy)"
    if column in POSITION_COLUMNS:
        return f"t.{column} + copy * {POSITIONS_A_COPY}"
    if column in GROUP_COLUMNS or (table, column) == ("state_groups", "id"):
        return f"t.{column} + copy * {GROUPS_A_COPY}"
    if (table, column) == ("event_json", "json"):
        return f"replace(t.json, '{room_id}', {new_room})"
    return f't."{column}"'
