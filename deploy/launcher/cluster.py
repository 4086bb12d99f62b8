"""The model of a cluster: what runs, where its files are, which ports it uses.

It is kept in `cluster.yaml` in the data directory. Everything else there (configuration files, the
supervisor's, the proxy's) is generated from it on each `weft up`.
"""

import itertools
import os
import random
import secrets
import socket
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Optional

import yaml

from launcher.console import LauncherError, TOP

#: Worker kinds in the order they are listed, with the default number of each.
DEFAULT_SCALE = {
    "synchrotron": 1, "event_persister": 1, "client_reader": 1, "media": 0, "pusher": 0, "appservice": 0
}  # fmt: skip
DEFAULT_DATA_DIR = TOP / "weft-data"
DEFAULT_SERVER_NAME = "localhost"
DEFAULT_PORT = 8008
HOST = "127.0.0.1"

#: Internal ports come from below the range the kernel gives to outgoing connections.
INTERNAL_PORTS = range(20000, 30000)
#: sun_path of sockaddr_un holds 107 bytes and a terminator.
SOCKET_PATH_BYTES_MAX = 107

CLUSTER_FILE_HEADER = """\
# What this cluster consists of. Written by `weft up`; change it with the options of `weft up`
# (--scale, --port ...), or by hand while the cluster is down.
"""


@dataclass
class Process:
    """One Weft process and the ports it listens on (127.0.0.1)."""

    kind: str  # "master" or a key of DEFAULT_SCALE
    name: str  # also `worker_name`, the supervisor's program and the log file
    http: int = 0
    rpc: int = 0
    metrics: int = 0
    replication: Optional[int] = None  # the master's replication stream; None elsewhere

    @property
    def binary(self) -> str:
        return "weft-" + self.kind.replace("_", "-")

    @property
    def config_file(self) -> str:
        return "homeserver.yaml" if self.kind == "master" else f"{self.name}.yaml"

    def port_names(self) -> list:
        ports = ["http", "rpc", "metrics"]
        return ports + ["replication"] if self.kind == "master" else ports


def parse_scale(text: str) -> dict:
    """`synchrotron=2,client_reader=1` as a dictionary; "" and "none" mean no workers at all."""
    scale = {kind: 0 for kind in DEFAULT_SCALE}
    if text.strip() in ("", "none"):
        return scale
    for part in text.split(","):
        kind, equals, count = part.strip().replace("-", "_").partition("=")
        if kind not in scale:
            raise LauncherError(
                f"--scale: unknown worker kind '{kind}' (known: {', '.join(scale)})"
            )
        if not equals or not count.isdigit() or int(count) > 64:
            raise LauncherError(f"--scale: '{part}' is not KIND=NUMBER with a number up to 64")
        scale[kind] = int(count)
    if scale["appservice"] > 1:
        raise LauncherError("--scale: one process tells application services: appservice=0 or 1")
    return scale


def process_names(scale: dict) -> list:
    """(kind, name) of every process of a scale, the master first."""
    names = [("master", "master")]
    for kind in DEFAULT_SCALE:
        names += [(kind, f"{kind}{i}") for i in range(1, scale.get(kind, 0) + 1)]
    return names


def port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def pick_free_port(taken: Iterable[int]) -> int:
    """A port nothing listens on, and that is not in `taken`; random, so that clusters that start
    at the same moment do not choose alike."""
    for _ in range(1000):
        port = random.choice(INTERNAL_PORTS)
        if port not in taken and port_is_free(port):
            return port
    raise LauncherError("found no free port between 20000 and 30000")


@dataclass
class Cluster:
    data_dir: Path
    id: str  # marks our processes' environment, so that only they are ever signalled
    server_name: str = DEFAULT_SERVER_NAME
    port: int = DEFAULT_PORT
    scale: dict = field(default_factory=lambda: dict(DEFAULT_SCALE))
    database_url: Optional[str] = None  # None: a private PostgreSQL
    preset: str = "release"
    build_dir: Path = TOP / "build" / "release"
    extra_configs: list = field(default_factory=list)
    redis: bool = False  # replication goes by a private Redis instead of the master's listener
    ports: dict = field(default_factory=dict)  # process name -> {"http": ..., ...}
    postgres_dir: Optional[Path] = None
    socket_dir: Optional[Path] = None  # a short directory where the data directory's path is long

    # Reading and writing

    @staticmethod
    def exists(data_dir: Path) -> bool:
        return (data_dir / "cluster.yaml").exists()

    @classmethod
    def create(cls, data_dir: Path) -> "Cluster":
        data_dir.mkdir(parents=True, exist_ok=True)
        return cls(data_dir, id=secrets.token_hex(8))

    @classmethod
    def load(cls, data_dir: Path) -> "Cluster":
        file = data_dir / "cluster.yaml"
        try:
            saved = yaml.safe_load(file.read_text())
            database = saved["database"]
            return cls(
                data_dir,
                id=saved["id"],
                server_name=saved["server_name"],
                port=saved["port"],
                scale={kind: saved["scale"].get(kind, 0) for kind in DEFAULT_SCALE},
                database_url=database.get("url"),
                preset=saved["preset"],
                build_dir=Path(saved["build_dir"]),
                extra_configs=saved["extra_configs"],
                redis=saved.get("redis", False),
                ports=saved["ports"],
                postgres_dir=Path(database["data_dir"]) if "data_dir" in database else None,
                socket_dir=Path(saved["socket_dir"]) if "socket_dir" in saved else None,
            )
        except FileNotFoundError:
            raise LauncherError(f"no cluster in {data_dir} (start one with `weft up`)") from None
        except (KeyError, TypeError, AttributeError, yaml.YAMLError) as problem:
            raise LauncherError(f"{file} is damaged: {problem!r}") from None

    def save(self) -> None:
        database = {"url": self.database_url} if self.database_url else {}
        if self.postgres_dir:
            database["data_dir"] = str(self.postgres_dir)
        saved = {
            "id": self.id,
            "server_name": self.server_name,
            "port": self.port,
            "scale": self.scale,
            "preset": self.preset,
            "build_dir": str(self.build_dir),
            "extra_configs": self.extra_configs,
            "redis": self.redis,
            "database": database,
            "ports": self.ports,
        }
        if self.socket_dir:
            saved["socket_dir"] = str(self.socket_dir)
        text = CLUSTER_FILE_HEADER + yaml.safe_dump(saved, sort_keys=False)
        write_private(self.data_dir / "cluster.yaml", text)

    # Where things are

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def supervisor_dir(self) -> Path:
        return self.data_dir / "supervisor"

    @property
    def supervisor_socket(self) -> Path:
        return (self.socket_dir or self.supervisor_dir) / "supervisor.sock"

    @property
    def postgres_socket_dir(self) -> Path:
        return self.socket_dir / "pg" if self.socket_dir else self.data_dir / "pg-socket"

    @property
    def redis_dir(self) -> Path:
        return self.data_dir / "redis"

    @property
    def redis_socket(self) -> Path:
        return (self.socket_dir or self.redis_dir) / "redis.sock"

    @property
    def haproxy_file(self) -> Path:
        return self.data_dir / "haproxy.cfg"

    def binary(self, name: str) -> Path:
        return self.build_dir / "bin" / name

    def ensure_socket_dir(self) -> None:
        """Moves the unix sockets to a short directory where paths below the data directory would
        not fit, or where they were moved there before (the directory goes at each stop)."""
        longest = max(
            # The supervisor binds NAME.PID first and renames it.
            len(os.fsencode(self.data_dir / "supervisor" / "supervisor.sock.4194304")),
            len(os.fsencode(self.data_dir / "pg-socket" / ".s.PGSQL.5432.lock")),
        )
        if self.socket_dir is not None or longest > SOCKET_PATH_BYTES_MAX:
            self.use_temporary_sockets()

    def use_temporary_sockets(self) -> None:
        if self.socket_dir is None or not self.socket_dir.exists():
            self.socket_dir = Path(tempfile.mkdtemp(prefix="weft-", dir="/tmp"))
        info = self.socket_dir.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid():
            raise LauncherError(f"{self.socket_dir} is not a directory of this user's")
        # PostgreSQL's own user has to reach its directory below this one.
        self.socket_dir.chmod(0o711)

    # Processes

    def processes(self) -> list:
        return [Process(kind, name, **self.ports[name]) for kind, name in process_names(self.scale)]

    def of_kind(self, kind: str) -> list:
        return [process for process in self.processes() if process.kind == kind]

    @property
    def event_writers(self) -> list:
        """Names of the processes that write the events stream, in the order that decides which
        room belongs to which."""
        return [process.name for process in self.of_kind("event_persister")] or ["master"]

    def assign_example_ports(self) -> None:
        """Fixed ports, for showing what a cluster that does not exist would look like."""
        port = itertools.count(8101)
        for kind, name in process_names(self.scale):
            self.ports[name] = {use: next(port) for use in Process(kind, name).port_names()}

    def assign_ports(self, running: bool) -> None:
        """Gives every process its ports. Known ports are kept, unless nothing of ours is running
        and somebody else has taken one meanwhile."""
        taken = {self.port} | {port for ports in self.ports.values() for port in ports.values()}
        for kind, name in process_names(self.scale):
            ports = self.ports.setdefault(name, {})
            for use in Process(kind, name).port_names():
                if use not in ports or (not running and not port_is_free(ports[use])):
                    ports[use] = pick_free_port(taken)
                    taken.add(ports[use])


def write_private(file: Path, text: str) -> None:
    """Replaces a file at once (a reader sees the old or the new text), readable by us alone."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    os.replace(temporary, file)
