"""A private PostgreSQL: its programs, its data directory, and short-lived instances for tests.

It listens on a unix socket only, in a directory that none but its own user may enter, and so needs
no password. PostgreSQL refuses to run as root; then it runs as the user `postgres`.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator, Optional

from launcher.cluster import Cluster
from launcher.configs import POSTGRES_CONNECTIONS_MAX
from launcher.console import LauncherError, last_lines, wait_until

SUPERUSER = "weft"
DATABASE = "weft"
VERSION_MIN = 15

#: Data directories of clusters that PostgreSQL's user cannot enter.
DATA_DIRS = Path("/var/lib/weft")

SETTINGS = f"""\
# Settings of Weft's private PostgreSQL, read after postgresql.conf's own.
listen_addresses = ''            # the unix socket only; where it is, the command line says
unix_socket_permissions = 0700
max_connections = {POSTGRES_CONNECTIONS_MAX}
shared_buffers = 128MB
effective_cache_size = 1GB
max_wal_size = 2GB
min_wal_size = 1GB               # write-ahead log files are used again: making one stops every commit
checkpoint_timeout = 15min
random_page_cost = 1.1           # solid-state storage
jit = off                        # our statements are short
timezone = 'UTC'
"""

#: For databases that are thrown away: nothing has to survive a power failure.
THROWAWAY_SETTINGS = """\
fsync = off
synchronous_commit = off
full_page_writes = off
"""


def owner() -> Optional[str]:
    """The user PostgreSQL runs as, where that is not ourselves."""
    return "postgres" if os.geteuid() == 0 else None


def as_owner() -> dict:
    """Arguments of subprocess functions that run a program as that user."""
    if owner() is None:
        return {}
    entry = pwd.getpwnam(owner())
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def program(name: str, data_dir: Optional[Path] = None) -> str:
    """The path of a PostgreSQL program: of the version that made `data_dir`, or the newest."""
    made_by = None
    if data_dir and (data_dir / "PG_VERSION").exists():
        made_by = int((data_dir / "PG_VERSION").read_text().strip())
    found = {}
    for binary in Path("/usr/lib/postgresql").glob(f"*/bin/{name}"):
        if binary.parts[-3].isdigit():
            found[int(binary.parts[-3])] = str(binary)
    if made_by is not None:
        if made_by not in found:
            raise LauncherError(
                f"{data_dir} was made by PostgreSQL {made_by}; that is not installed"
            )
        return found[made_by]
    if not found or max(found) < VERSION_MIN:
        raise LauncherError(f"PostgreSQL {VERSION_MIN} or newer is not installed")
    return found[max(found)]


def server_command(data_dir: Path, socket_dir: Path) -> list:
    return [program("postgres", data_dir), "-D", str(data_dir), "-k", str(socket_dir)]


def run(command: list, what: str, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise LauncherError(f"{what} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()


def own_directory(directory: Path) -> None:
    """Makes a directory that only PostgreSQL's user may enter."""
    directory.mkdir(parents=True, exist_ok=True)
    if owner():
        shutil.chown(directory, owner(), as_owner()["group"])
    directory.chmod(0o700)


def initialise(data_dir: Path, superuser: str, settings: str) -> None:
    """Makes a database cluster with C locale and UTF-8, unless there is one."""
    if (data_dir / "weft.conf").exists():
        return
    if any(data_dir.iterdir()):
        # An earlier attempt was interrupted: the file that is written last is not there.
        for entry in data_dir.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    run(
        [program("initdb"), "-D", str(data_dir), "-U", superuser, "--locale=C", "--encoding=UTF8"]
        + ["--auth=trust"],
        "initdb",
        cwd="/",
        **as_owner(),
    )
    with (data_dir / "postgresql.conf").open("a") as main_settings:
        main_settings.write("\ninclude = 'weft.conf'\n")
    file = data_dir / "weft.conf"
    file.write_text(settings)
    if owner():
        shutil.chown(file, owner())


def prepare(cluster: Cluster) -> None:
    """Makes the cluster's PostgreSQL ready to be started by the supervisor."""
    if owner() and not owner_can_enter(cluster.data_dir):
        # Below /root, for one. What PostgreSQL needs has to live elsewhere then.
        path_hash = hashlib.sha256(os.fsencode(cluster.data_dir)).hexdigest()[:16]
        cluster.postgres_dir = cluster.postgres_dir or DATA_DIRS / path_hash
        cluster.use_temporary_sockets()
    cluster.postgres_dir = cluster.postgres_dir or cluster.data_dir / "postgres"
    own_directory(cluster.postgres_dir)
    own_directory(cluster.postgres_socket_dir)
    initialise(cluster.postgres_dir, SUPERUSER, SETTINGS)


def owner_can_enter(directory: Path) -> bool:
    done = subprocess.run(["test", "-x", str(directory)], cwd="/", **as_owner())
    return done.returncode == 0


def is_ready(socket_dir: Path, user: str) -> bool:
    command = [program("pg_isready"), "-q", "-h", str(socket_dir), "-U", user, "-d", "postgres"]
    return subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0


def ensure_database(cluster: Cluster) -> None:
    """Creates Weft's database in the running private PostgreSQL, unless it is there."""
    connection = ["-h", str(cluster.postgres_socket_dir), "-U", SUPERUSER]
    found = run(
        [program("psql"), *connection, "-d", "postgres", "-XtAc"]
        + [f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"],
        "asking PostgreSQL for its databases",
    )
    if found != "1":
        run([program("createdb"), *connection, "-T", "template0", DATABASE], "createdb")


@contextlib.contextmanager
def throwaway(parent: Optional[Path] = None) -> Iterator[str]:
    """Runs an empty PostgreSQL on a temporary directory; yields libpq's connection keywords. Without `parent` the directory is
    where `weft test` wants it, otherwise on disk."""
    base = Path(tempfile.mkdtemp(prefix="weft-test-pg-", dir=parent or os.environ.get("WEFT_TEST_SCRATCH", "/tmp")))
    base.chmod(0o711)
    data_dir, socket_dir, log = base / "data", base / "socket", base / "log"
    server = None
    try:
        own_directory(data_dir)
        own_directory(socket_dir)
        initialise(data_dir, "weft", SETTINGS + THROWAWAY_SETTINGS)
        with log.open("w") as output:
            server = subprocess.Popen(
                server_command(data_dir, socket_dir),
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                # Ctrl-C is for the tests; the server is stopped when they have ended.
                start_new_session=True,
                **as_owner(),
            )

        def answers_or_died() -> bool:
            return is_ready(socket_dir, "weft") or server.poll() is not None

        if not wait_until(answers_or_died, 60) or server.poll() is not None:
            raise LauncherError(f"PostgreSQL did not start:\n{last_lines(log, 20)}")
        yield f"host={socket_dir} user=weft dbname=postgres"
    finally:
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            try:
                server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(base, ignore_errors=True)
