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

#: About what one event takes in its widest table.
ROW_BYTES = 700

OWN_DATABASE = "weft_bench"
SCRIPT = f"INSERT INTO written (content) VALUES (repeat('x', {ROW_BYTES}));\n"


class Commits(NamedTuple):
    per_s: float
    ms_p99: float


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

    def prepare_pgbench(self, directory: Path) -> None:
        self.query(f"CREATE DATABASE {OWN_DATABASE}")
        self.query(
            "CREATE TABLE written (id bigserial PRIMARY KEY, content text NOT NULL)", OWN_DATABASE
        )
        self.script = directory / "commit.sql"
        self.script.write_text(SCRIPT)

    def end_pgbench(self) -> None:
        """What pgbench left to be done (vacuuming its table, a checkpoint) is done now, and not while others are measured."""
        self.query("VACUUM ANALYZE written", OWN_DATABASE)
        self.query("CHECKPOINT")

    def pgbench_commits(self, seconds: int) -> Commits:
        """Commits of one connection, and how long the slow ones take."""
        with tempfile.TemporaryDirectory() as directory:
            per_s = self.pgbench_commits_per_s(1, seconds, "-l", f"--log-prefix={directory}/transactions")
            log = next(Path(directory).iterdir()).read_text()
        latencies_ms = [int(line.split()[2]) / 1000 for line in log.splitlines()]
        return Commits(per_s, statistics.quantiles(latencies_ms, n=100)[-1])

    def pgbench_commits_per_s(self, clients: int, seconds: int, *options: str) -> float:
        """How fast `clients` connections can each insert a row and commit it, again and again."""
        command = [postgres.program("pgbench"), *self.connection, "-n", "-M", "prepared", *options]
        command += ["-f", str(self.script), "-c", str(clients), "-j", "1", "-T", str(seconds)]
        done = subprocess.run(
            command + [OWN_DATABASE], capture_output=True, text=True, timeout=seconds + 30
        )
        found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        if done.returncode != 0 or not found:
            raise RuntimeError(f"pgbench failed:\n{done.stdout}{done.stderr}")
        return float(found[1])

    def settings(self) -> str:
        names = ("server_version", "fsync", "synchronous_commit")
        values = (f"{name}={self.query(f'SHOW {name}')}" for name in names)
        return " ".join(values)
