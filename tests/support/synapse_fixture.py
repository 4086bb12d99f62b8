"""A database that Synapse 1.15 wrote, and the answers it gave: tests/data/synapse-1.15."""

import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Optional
from urllib.parse import quote

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "deploy"))

from launcher import configs, lifecycle, postgres  # noqa: E402
from launcher.cluster import Cluster, parse_scale  # noqa: E402

FIXTURE = TOP / "tests" / "data" / "synapse-1.15"
#: The tables of Synapse's schema version 58, exactly as Synapse makes them.
SYNAPSE_SCHEMA = TOP / "storage" / "schema" / "0001_synapse_v58.sql"
SERVER_NAME = "localhost:8800"
SIGNING_KEY = FIXTURE / "test-signing.key"

#: A data-only dump has no sequences: they stand where the tables end.
SET_SEQUENCES = """
SELECT setval('state_group_id_seq', (SELECT max(id) FROM state_groups));
SELECT setval('cache_invalidation_stream_seq',
              (SELECT max(stream_id) FROM cache_invalidation_stream_by_instance));
"""


#: Takes back the last thing that happened in a room, for rooms that the scenario ended with the last member's leaving:
#: no server may send into such a room, and so nothing could be shown of its version.
BEFORE_THE_LAST_LEFT = """
CREATE TEMPORARY TABLE emptied AS
    SELECT f.room_id, f.event_id AS leaving, e.prev_event_id AS before, g.state_group, s.state_key AS user_id
    FROM event_forward_extremities f
    JOIN state_events s ON s.event_id = f.event_id AND s.type = 'm.room.member'
    JOIN event_edges e ON e.event_id = f.event_id
    JOIN event_to_state_groups g ON g.event_id = e.prev_event_id
    WHERE f.room_id NOT IN (SELECT room_id FROM current_state_events);
WITH RECURSIVE chain(room_id, state_group, distance) AS (
    SELECT room_id, state_group, 0 FROM emptied
    UNION ALL
    SELECT room_id, prev_state_group, distance + 1 FROM chain JOIN state_group_edges USING (state_group)
)
INSERT INTO current_state_events (event_id, room_id, type, state_key, membership)
    SELECT DISTINCT ON (room_id, type, state_key) event_id, room_id, type, state_key,
        (SELECT m.membership FROM room_memberships m WHERE m.event_id = s.event_id)
    FROM chain JOIN state_groups_state s USING (room_id, state_group)
    ORDER BY room_id, type, state_key, distance;
UPDATE local_current_membership l SET event_id = c.event_id, membership = c.membership
    FROM emptied JOIN current_state_events c ON c.room_id = emptied.room_id AND c.state_key = emptied.user_id
    WHERE l.room_id = emptied.room_id AND l.user_id = emptied.user_id AND c.type = 'm.room.member';
UPDATE room_memberships m SET forgotten = 0 FROM emptied WHERE m.room_id = emptied.room_id;
UPDATE event_forward_extremities f SET event_id = before FROM emptied WHERE f.event_id = leaving;
DELETE FROM current_state_delta_stream d USING emptied, events e
    WHERE e.event_id = leaving AND d.room_id = emptied.room_id AND d.stream_id = e.stream_ordering;
DELETE FROM stream_ordering_to_exterm x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_edges x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_auth x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_to_state_groups x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_reference_hashes x USING emptied WHERE x.event_id = leaving;
DELETE FROM state_events x USING emptied WHERE x.event_id = leaving;
DELETE FROM room_memberships x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_json x USING emptied WHERE x.event_id = leaving;
DELETE FROM events x USING emptied WHERE x.event_id = leaving;
"""


@dataclass(frozen=True)
class Recorded:
    """One request as it was made to Synapse, and what it answered."""

    user_id: str
    access_token: str
    device_id: str
    method: str
    path: str  # with the query
    status: int
    response: object


def recorded_requests() -> list:
    with gzip.open(FIXTURE / "expected.json.gz", "rt", encoding="utf-8") as file:
        entries = json.load(file)
    return [
        Recorded(
            entry["user_id"],
            entry["access_token"],
            entry["device_id"],
            *entry["request"].split(" ", 1),
            entry["status"],
            entry["response"],
        )
        for entry in entries
    ]


class Database:
    """A database of its own in a PostgreSQL that `launcher.postgres.throwaway` started."""

    def __init__(self, connection: str, name: str, locale: str = "C"):
        """`connection`: libpq's keywords for the server, as `throwaway` yields them."""
        keywords = dict(word.split("=", 1) for word in connection.split())
        self.host, self.user, self.name = keywords["host"], keywords["user"], name
        self.url = f"postgresql://{self.user}@/{name}?host={quote(self.host)}"
        server = ["-h", self.host, "-U", self.user]
        command = [postgres.program("createdb"), *server, "-T", "template0", "--locale", locale]
        postgres.run([*command, "-E", "UTF8", name], f"creating {name}")

    def sql(self, text: Optional[str] = None, file: Optional[Path] = None) -> str:
        """Runs statements, or a file of them (also gzipped), in psql; its output without decoration.
        The first error ends it and fails."""
        if file is not None:
            opened = gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open()
            with opened:
                text = opened.read()
        done = subprocess.run(
            [postgres.program("psql"), "-h", self.host, "-U", self.user, "-d", self.name]
            + ["-XqtA", "-v", "ON_ERROR_STOP=1"],
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode != 0:
            raise AssertionError(f"psql on {self.name}: {done.stderr.strip()}")
        return done.stdout.strip()

    def load_fixture(self) -> None:
        """The dump, unchanged, and the sequences that it lacks."""
        self.sql(file=FIXTURE / "data.sql.gz")
        self.sql(SET_SEQUENCES)

    def reopen_emptied_rooms(self) -> None:
        """Makes members of those who were the last to leave a room: a member in a room of every version."""
        self.sql(BEFORE_THE_LAST_LEFT)

    def load_as_synapse_left_it(self) -> None:
        """Synapse's tables and nothing else: what an operator has before Weft has seen it."""
        self.sql(file=SYNAPSE_SCHEMA)
        tables = self.sql("SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables WHERE schemaname = 'public'")
        self.sql(f"TRUNCATE {tables}")
        self.load_fixture()

    def migrate(self, scratch: Path, build_dir: Path) -> None:
        """Weft's migrations, run as `weft up` runs them; nothing stays up."""
        cluster = Cluster.create(scratch)
        cluster.server_name, cluster.database_url = SERVER_NAME, self.url
        cluster.scale, cluster.build_dir = parse_scale("none"), build_dir
        cluster.assign_ports(running=False)
        configs.write_all(cluster)
        lifecycle.prepare_database(cluster)
