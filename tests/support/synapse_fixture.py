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

#: Takes back the last member's leaving, for rooms into which nobody could send any more.
REOPEN_ROOMS = FIXTURE / "reopen_rooms.sql"


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

    def __init__(
        self,
        connection: str,
        name: str,
        locale: str = "C",
        encoding: str = "UTF8",
        template: str = "template0",
    ):
        """`connection`: libpq's keywords for the server, as `throwaway` yields them."""
        self.connection = connection
        keywords = dict(word.split("=", 1) for word in connection.split())
        self.host, self.user, self.name = keywords["host"], keywords["user"], name
        self.url = f"postgresql://{self.user}@/{name}?host={quote(self.host)}"
        command = [postgres.program("createdb"), "-h", self.host, "-U", self.user, "-T", template]
        postgres.run([*command, "--locale", locale, "-E", encoding, name], f"creating {name}")

    def copy(self, name: str) -> "Database":
        """The same content under another name; nobody may be connected."""
        return Database(self.connection, name, template=self.name)

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
        self.sql(file=REOPEN_ROOMS)

    def load_as_synapse_left_it(self) -> None:
        """Synapse's tables and nothing else: what an operator has before Weft has seen it."""
        self.sql(file=SYNAPSE_SCHEMA)
        tables = self.sql(
            "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
            " WHERE schemaname = 'public'"
        )
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
