"""What the cluster's PostgreSQL did, and what it can do."""

import re
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from launcher import postgres
from launcher.cluster import Cluster

#: A backend that falls idle adds its counts to the statistics after at most this long.
STATISTICS_SECONDS = 10.5

OWN_DATABASE = "weft_bench"

#: About what one event takes in its widest table.
ROW_BYTES = 700
#: The least that can be committed: one row of that size.
ROW = f"INSERT INTO written (content) VALUES (repeat('x', {ROW_BYTES}));\n"

#: The rows that a message without push actions leaves, into tables with Weft's schema, as plainly as they can be written.
#: Each connection has a room of its own, and each message follows the one before.
MESSAGE = f"""\
\\set before :number
\\set number random(1, 1000000000000000)
WITH message AS (
    SELECT '$' || md5(:number::text) || '-----------' AS id, '$' || md5(:before::text) || '-----------' AS before,
           '!room' || :client_id::text || '.localhost' AS room, '@user.localhost' AS sender,
           nextval('events_stream_seq')::int AS stream, 1700000000000 AS ts
), events AS (
    INSERT INTO events (stream_ordering, topological_ordering, depth, event_id, room_id, type, processed, outlier,
                        origin_server_ts, received_ts, sender, contains_url, writer_tag)
    SELECT stream, stream, stream, id, room, 'm.room.message', true, false, ts, ts, sender, false, 1 FROM message
), json AS (
    INSERT INTO event_json (event_id, room_id, internal_metadata, json, format_version)
    SELECT id, room, '{{}}', repeat('x', {ROW_BYTES}), 3 FROM message
), state AS (
    INSERT INTO event_to_state_groups (event_id, state_group) SELECT id, 7 FROM message
), edges AS (
    INSERT INTO event_edges (event_id, prev_event_id, room_id, is_state) SELECT id, before, room, false FROM message
), old_leaf AS (
    DELETE FROM event_forward_extremities
    WHERE event_id = '$' || md5(:before::text) || '-----------' AND room_id || '' = '!room' || :client_id::text || '.localhost'
), new_leaf AS (
    INSERT INTO event_forward_extremities (event_id, room_id) SELECT id, room FROM message
), leaf_at AS (
    INSERT INTO stream_ordering_to_exterm (stream_ordering, room_id, event_id) SELECT stream, room, id FROM message
), search AS (
    INSERT INTO event_search (event_id, room_id, sender, key, vector, origin_server_ts, stream_ordering)
    SELECT id, room, sender, 'content.body', to_tsvector('english', 'message number ' || :number::text), ts, stream FROM message
) INSERT INTO event_txn_id (event_id, room_id, user_id, device_id, txn_id, inserted_ts)
SELECT id, room, sender, 'DEVICE', :number::text, ts FROM message;
"""


class Commits(NamedTuple):
    per_s: float
    ms_p99: float

    @property
    def ms(self) -> float:
        """Of one connection."""
        return 1000 / self.per_s


class Database:
    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.connection = ["-h", str(cluster.postgres_socket_dir), "-U", postgres.SUPERUSER]

    def query(self, sql: str, database: str = "postgres") -> str:
        """The one value a statement returns. Not in Weft's database, so it is not counted there."""
        command = [postgres.program("psql"), *self.connection, "-d", database, "-XtAc", sql]
        return postgres.run(command, "psql")

    def commits(self) -> int:
        """Transactions committed in Weft's database, those that only read included; late by
        STATISTICS_SECONDS."""
        return int(
            self.query(
                "SELECT xact_commit FROM pg_stat_database "
                f"WHERE datname = '{postgres.DATABASE}'"
            )
        )

    def writes(self) -> int:
        """Transactions of the whole server that wrote something; exact at once."""
        return int(self.query("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))

    def prepare_pgbench(self) -> None:
        self.query(f"CREATE DATABASE {OWN_DATABASE}")
        dump = [postgres.program("pg_dump"), *self.connection, "--schema-only", "-d", postgres.DATABASE]
        schema = postgres.run(dump, "pg_dump")
        load = [postgres.program("psql"), *self.connection, "-d", OWN_DATABASE, "-Xqv", "ON_ERROR_STOP=1"]
        postgres.run(load, "psql", input=schema)
        self.query(
            "CREATE TABLE written (id bigserial PRIMARY KEY, content text NOT NULL)", OWN_DATABASE
        )

    def end_pgbench(self) -> None:
        """What pgbench left to be done (vacuuming its tables, a checkpoint) is done now, and not while others are measured."""
        self.query("VACUUM ANALYZE", OWN_DATABASE)
        self.query("CHECKPOINT")

    def pgbench(self, script: str, clients: int, seconds: int) -> Commits:
        """How fast `clients` connections can each commit `script`, again and again, and how long the slow ones take."""
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "script.sql"
            file.write_text(script)
            command = [postgres.program("pgbench"), *self.connection, "-n", "-M", "prepared", "-D", "number=0"]
            command += ["-f", str(file), "-c", str(clients), "-j", "1", "-T", str(seconds)]
            command += ["-l", f"--log-prefix={directory}/transactions", OWN_DATABASE]
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
            found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
            if done.returncode != 0 or not found:
                raise RuntimeError(f"pgbench failed:\n{done.stdout}{done.stderr}")
            log = "".join(part.read_text() for part in Path(directory).glob("transactions*"))
        latencies_ms = [int(line.split()[2]) / 1000 for line in log.splitlines()]
        return Commits(float(found[1]), statistics.quantiles(latencies_ms, n=100)[-1])

    def settings(self) -> str:
        names = ("server_version", "fsync", "synchronous_commit")
        values = (f"{name}={self.query(f'SHOW {name}')}" for name in names)
        return " ".join(values)
