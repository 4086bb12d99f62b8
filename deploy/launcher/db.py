"""`weft db`: care of databases.

`weft db adopt` looks at a database that Synapse wrote, before Weft is started on it. It only reads.
What it finds is of four kinds: what is as it should be, warnings, what Weft's first start will change,
and problems, which have to be solved before.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from typing import Optional

from launcher import configs, postgres
from launcher.cluster import Cluster
from launcher.console import TOP, LauncherError

SCHEMA_DIR = TOP / "storage" / "schema"
#: The version of Synapse's schema that Weft's tables follow; Synapse 1.13 to 1.19 wrote it.
SCHEMA_VERSION = 58
#: Locales that order text by its bytes, whatever the operating system's version.
BYTE_ORDER = ("C", "POSIX")
EXAMPLES_MAX = 3

#: Exit status when there are problems (1: could not look; 2: wrong usage).
EXIT_PROBLEMS = 3

#: Sequences, and the column that must not be ahead of them.
SEQUENCES = {
    "state_group_id_seq": ("state_groups", "id"),
    "cache_invalidation_stream_seq": ("cache_invalidation_stream_by_instance", "stream_id"),
}


@dataclass
class Report:
    """What was found, as lines for the operator."""

    fine: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    changes: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    def show(self) -> None:
        for label, lines in (
            ("ok", self.fine),
            ("warning", self.warnings),
            ("will change", self.changes),
            ("problem", self.problems),
        ):
            for line in lines:
                print(f"{label}: {line}")


class Connection:
    """Read-only statements in psql; the password never stands on a command line."""

    def __init__(self, url: str):
        args = configs.parse_database_url(url)
        variables = {"user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST", "port": "PGPORT"}
        self.environment = {
            **os.environ,
            **{variables[key]: str(value) for key, value in args.items() if key in variables},
            "PGDATABASE": args["dbname"],
            "PGOPTIONS": "-c default_transaction_read_only=on",
            "PGCONNECT_TIMEOUT": "10",
            "PGCLIENTENCODING": "UTF8",
        }

    def rows(self, sql: str) -> list:
        """The rows of a SELECT as dictionaries."""
        done = subprocess.run(
            [postgres.program("psql"), "-XqtA", "-w", "-v", "ON_ERROR_STOP=1"],
            input=f"SELECT coalesce(json_agg(row_to_json(found)), '[]') FROM ({sql}) AS found;",
            capture_output=True,
            text=True,
            env=self.environment,
        )
        if done.returncode != 0:
            raise LauncherError(f"asking the database failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def row(self, sql: str) -> dict:
        return self.rows(sql)[0]


def adopt(url: str, server_name: Optional[str]) -> int:
    """Prints what Weft would find and do; the exit status."""
    report = inspect(Connection(url), server_name)
    report.show()
    if report.problems:
        print("This database cannot be adopted as it is; nothing was changed.")
        return EXIT_PROBLEMS
    print("This database can be adopted; nothing was changed. Back it up, stop Synapse, `weft up`.")
    return 0


def inspect(database: Connection, server_name: Optional[str]) -> Report:
    report = Report()
    check_locale(database, report)
    check_other_programs(database, report)
    if check_version(database, report) and check_tables(database, report):
        check_background_updates(database, report)
        check_server_name(database, report, server_name)
        check_room_versions(database, report)
        list_migrations(database, report)
        check_sequences(database, report)
    return report


# The database as a whole


def check_locale(database: Connection, report: Report) -> None:
    found = database.row(
        "SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datctype"
        " FROM pg_database WHERE datname = current_database()"
    )
    if found["encoding"] == "UTF8":
        report.fine.append("encoding UTF8")
    else:
        report.problems.append(
            f"the encoding is {found['encoding']}; it must be UTF8: restore a dump into a database"
            " made with --encoding=UTF8 --locale=C --template=template0"
        )
    for name, value in (("collation", found["datcollate"]), ("ctype", found["datctype"])):
        if value in BYTE_ORDER:
            report.fine.append(f"{name} {value}")
        else:
            report.warnings.append(
                f"the {name} is {value}, not C: indexes on text may break when the operating system"
                " changes its rules; better restore a dump into a database made with --locale=C"
            )


def check_other_programs(database: Connection, report: Report) -> None:
    others = database.rows(
        "SELECT coalesce(nullif(application_name, ''), 'unnamed') AS name, count(*) AS connections"
        " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend' GROUP BY 1 ORDER BY 1"
    )
    for other in others:
        report.warnings.append(
            f"'{other['name']}' has {other['connections']} open connections: Synapse must be stopped"
            " before Weft is started"
        )


# Synapse's schema


def check_version(database: Connection, report: Report) -> bool:
    if not database.row("SELECT to_regclass('schema_version') IS NOT NULL AS there")["there"]:
        report.problems.append("these are no tables of Synapse's: there is no schema_version")
        return False
    version = database.row("SELECT max(version) AS version FROM schema_version")["version"]
    if version == SCHEMA_VERSION:
        report.fine.append(f"schema version {version}")
        return True
    if version is None:
        advice = "schema_version is empty"
    elif version < SCHEMA_VERSION:
        advice = "run a Synapse of 1.13 to 1.15 on it first"
    else:
        advice = "a newer Synapse has changed its tables"
    report.problems.append(
        f"the schema has version {version}, Weft knows version {SCHEMA_VERSION} only: {advice}"
    )
    return False


def expected_tables() -> dict:
    """table -> its columns, as the first migration makes them."""
    tables = {}
    text = (SCHEMA_DIR / "0001_synapse_v58.sql").read_text()
    for name, body in re.findall(r"^CREATE TABLE (\w+) \((.*?)^\);", text, re.M | re.S):
        columns = re.findall(r'^    "?(\w+)"? ', body, re.M)
        tables[name] = {column for column in columns if not column.isupper()}
    return tables


def check_tables(database: Connection, report: Report) -> bool:
    """Within one schema version Synapse has dropped tables and added columns, too."""
    there = {}
    for row in database.rows(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = ANY(current_schemas(false))"
    ):
        there.setdefault(row["table_name"], set()).add(row["column_name"])
    missing = []
    for table, columns in expected_tables().items():
        if table not in there:
            missing.append(f"the table {table}")
        else:
            missing += [f"the column {table}.{column}" for column in columns - there[table]]
    sequences = database.rows(
        "SELECT sequence_name AS name FROM information_schema.sequences"
        " WHERE sequence_schema = ANY(current_schemas(false))"
    )
    found = {row["name"] for row in sequences}
    missing += [f"the sequence {name}" for name in SEQUENCES if name not in found]
    if missing:
        report.problems.append(
            f"Synapse 1.15 has {', '.join(sorted(missing))}; not here, so another version has changed"
            " these tables"
        )
        return False
    report.fine.append("all tables and columns of Synapse 1.15 are there")
    return True


def check_background_updates(database: Connection, report: Report) -> None:
    pending = database.rows("SELECT update_name FROM background_updates ORDER BY ordering, 1")
    if pending:
        names = ", ".join(row["update_name"] for row in pending)
        report.problems.append(
            f"background updates are not finished: {names}; run Synapse until that table is empty"
        )
    else:
        report.fine.append("no pending background updates")


# What is in it


def check_server_name(database: Connection, report: Report, server_name: Optional[str]) -> None:
    """User IDs end in the server's name, and so must the name that Weft is started with."""
    servers = database.rows(
        "SELECT substr(name, strpos(name, ':') + 1) AS server, count(*) AS users,"
        " min(name) AS example FROM users GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    if not servers:
        report.warnings.append("there are no users, so the server's name cannot be told")
        return
    wanted = server_name or servers[0]["server"]
    strangers = [entry for entry in servers if entry["server"] != wanted]
    for entry in strangers[:EXAMPLES_MAX]:
        report.problems.append(
            f"{entry['users']} users are not of {wanted}, for one {entry['example']}"
        )
    if not strangers:
        users = servers[0]["users"]
        report.fine.append(f"all {users} users are of {wanted} (`weft up --server-name {wanted}`)")


def check_room_versions(database: Connection, report: Report) -> None:
    odd = database.rows(
        "SELECT room_version AS version, count(*) AS rooms FROM rooms"
        " WHERE room_version !~ '^[0-9]+$' GROUP BY 1 ORDER BY 1"
    )
    for entry in odd:
        report.warnings.append(
            f"{entry['rooms']} rooms are of the experimental version {entry['version']}: their"
            " events will not be shown"
        )


# What Weft will do


def list_migrations(database: Connection, report: Report) -> None:
    """What the migrations that are still to come create, and which of Synapse's indexes they drop; none touches a row."""
    applied = set()
    if database.row("SELECT to_regclass('weft_schema_migrations') IS NOT NULL AS there")["there"]:
        rows = database.rows("SELECT version FROM weft_schema_migrations")
        applied = {row["version"] for row in rows}
        report.warnings.append("Weft has been started on this database before")
    else:
        report.changes.append("new table weft_schema_migrations")
    first, *others = sorted(SCHEMA_DIR.glob("*.sql"))
    synapses = first.read_text()
    for file in others:
        if int(file.name.partition("_")[0]) not in applied:
            sql = file.read_text()
            report.changes += additions_of(sql)
            report.changes += [f"no more {name}" for name in drops_of(sql) if re.search(rf"\b{name}\b", synapses)]


def additions_of(sql: str) -> list:
    """`new KIND NAME` for each thing that a migration creates or adds."""
    found = [
        f"new {kind.lower()} {name}{f' on {table}' if table else ''}"
        for kind, name, table in re.findall(
            r"^CREATE (?:UNIQUE )?(TABLE|INDEX|SEQUENCE|FUNCTION|TRIGGER) (?:IF NOT EXISTS )?(\w+)"
            r"(?:.*? ON (\w+))?",
            sql,
            re.M,
        )
    ]
    return found + [
        f"new column {table}.{column}"
        for table, column in re.findall(r"^ALTER TABLE (\w+)\s+ADD COLUMN (?:IF NOT EXISTS )?(\w+)", sql, re.M)
    ]


def drops_of(sql: str) -> list:
    """Names of the indexes and constraints that a migration drops."""
    return re.findall(
        r"^(?:DROP INDEX|ALTER TABLE \w+\s+DROP CONSTRAINT) (?:IF EXISTS )?(\w+)", sql, re.M
    )


def check_sequences(database: Connection, report: Report) -> None:
    for sequence, (table, column) in SEQUENCES.items():
        found = database.row(
            f"SELECT last_value - (NOT is_called)::int AS last,"
            f" (SELECT coalesce(max({column}), 0) FROM {table}) AS top FROM {sequence}"
        )
        if found["last"] < found["top"]:
            report.changes.append(
                f"{sequence} is at {found['last']}, {table} goes up to {found['top']}: raised to that"
            )
        else:
            report.fine.append(f"{sequence} is not behind {table}")


# Compaction


def compact_state(cluster: Cluster) -> int:
    """Has the master's program rewrite the state groups; it tells how far it is."""
    command = configs.command_line(cluster, cluster.of_kind("master")[0])
    return subprocess.run([*command, "--compact-state"]).returncode
