"""Real clusters for tests, started by the launcher that operators use."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.request
import uuid
import zlib
from pathlib import Path
from typing import Optional, Sequence

import yaml

from matrix_client import Client, wait_for

TOP = Path(__file__).resolve().parents[2]


def build_dir() -> Path:
    """Where the binaries under test were built; CTest says so."""
    return Path(os.environ.get("WEFT_BIN_DIR", TOP / "build" / "release" / "bin")).parent


def build_setting(name: str) -> str:
    """A variable of CMake's cache; empty if there is none."""
    cache = build_dir() / "CMakeCache.txt"
    found = cache.exists() and re.search(rf"^{name}:\w+=(.*)$", cache.read_text(), re.MULTILINE)
    return found[1] if found else ""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def is_sanitized() -> bool:
    """Whether the binaries are a sanitizer's: what memory they take says nothing."""
    return bool(build_setting("WEFT_SANITIZE"))


_UNLIMITED = {"per_second": 1_000_000, "burst_count": 1_000_000}

# Configuration for tests whose clients are faster than any person.
UNLIMITED_RATES = {
    "rc_message": _UNLIMITED,
    "rc_registration": _UNLIMITED,
    "rc_login": {"address": _UNLIMITED, "account": _UNLIMITED, "failed_attempts": _UNLIMITED},
    "rc_joins": {"local": _UNLIMITED, "remote": _UNLIMITED},
    "rc_invites": {"per_room": _UNLIMITED, "per_user": _UNLIMITED},
}


class Cluster:
    """A cluster in a temporary directory.

    `scale` is what `weft up --scale` takes; `config` is more configuration, as a dictionary;
    `options` are further options of the first `weft up`.
    """

    def __init__(self, scale: str, config: Optional[dict] = None, options: Sequence[str] = ()):
        self.scale = scale
        self.options = options
        # In memory if `weft test` says so; never for benchmarks, whose PostgreSQL has to write to a disk.
        parent = os.environ.get("WEFT_TEST_SCRATCH", "/tmp")
        self.base = Path(tempfile.mkdtemp(prefix="weft-test-", dir=parent))
        # PostgreSQL, which may run as another user, has to pass through.
        self.base.chmod(0o711)
        self.data_dir = self.base / "data"
        self.config_file: Optional[Path] = None
        if config:
            self.config_file = self.base / "extra.yaml"
            self.config_file.write_text(json.dumps(config))  # JSON is YAML
        self.url = ""
        self.clients: list = []

    # Starting and stopping

    def start(self) -> "Cluster":
        more = ["--config", str(self.config_file)] if self.config_file else []
        output = self.weft(
            "up", "--detach", "--no-build", "--build-dir", str(build_dir()), "--port", "0",
            "--scale", self.scale or "none", *more, *self.options,
        )  # fmt: skip
        self.url = output.splitlines()[-1].rpartition(" ")[2]
        return self

    def rescale(self, scale: str) -> None:
        """Changes the number of workers while the cluster runs."""
        self.scale = scale
        self.weft("up", "--detach", "--no-build", "--scale", scale or "none")

    def stop(self) -> None:
        """Stops everything and removes the data."""
        for client in self.clients:
            client.close()
        try:
            if (self.data_dir / "cluster.yaml").exists():
                self.weft("down")
        finally:
            shutil.rmtree(self.base, ignore_errors=True)

    def weft(self, command: str, *arguments: str) -> str:
        """Runs a launcher command (`up`, `users list`) on this cluster; its output."""
        done = subprocess.run(
            [str(TOP / "weft"), *command.split(), "--data-dir", str(self.data_dir), *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "WEFT_SKIP_DEPS": "1"},
        )
        if done.returncode != 0:
            raise AssertionError(
                f"weft {command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    # Looking at it

    def status(self) -> dict:
        """What `weft status --json` says, also when something is unhealthy."""
        done = subprocess.run(
            [str(TOP / "weft"), "status", "--json", "--data-dir", str(self.data_dir)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "WEFT_SKIP_DEPS": "1"},
        )
        if not done.stdout:
            raise AssertionError(f"weft status: {done.stderr}")
        return json.loads(done.stdout)

    def processes(self) -> dict:
        """name -> its part of the status."""
        return {process["name"]: process for process in self.status()["processes"]}

    def names(self, kind: str) -> list:
        return [name for name, process in self.processes().items() if process["kind"] == kind]

    def owner(self, room_id: str) -> str:
        """The event persister that writes a room, as the proxy sees it."""
        persisters = sorted(self.names("event_persister"))
        return persisters[zlib.crc32(room_id.encode()) % len(persisters)]

    def metrics_port(self, name: str) -> int:
        return self.processes()[name]["ports"]["metrics"]

    def url_of(self, name: str) -> str:
        """The client listener of one process, past the proxy."""
        return f"http://127.0.0.1:{self.processes()[name]['ports']['http']}"

    def wait_healthy(self, seconds: float = 60) -> dict:
        """Until every process is ready and no stream position lags; the status then."""
        last = {}

        def settled():
            last.update(self.processes())
            healthy = all(process["health"] == "ready" for process in last.values())
            lags = [stream["lag"] for process in last.values() for stream in process["streams"]]
            return healthy and lags and all(lag == 0 for lag in lags)

        try:
            wait_for("every process is healthy and without lag", settled, seconds, interval=0.2)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{json.dumps(last, indent=1)}") from None
        return last

    def sql(self, statement: str) -> str:
        """Runs a statement on the cluster's database; its output without decoration."""
        config = yaml.safe_load((self.data_dir / "homeserver.yaml").read_text())
        args = config["database"]["args"]
        connection = ["-h", args["host"], "-U", args["user"], "-d", args["dbname"]]
        done = subprocess.run(
            ["psql", *connection, "-XtAqc", statement], capture_output=True, text=True, timeout=60
        )
        if done.returncode != 0:
            raise AssertionError(f"psql: {done.stderr}")
        return done.stdout.strip()

    # Doing something to it

    def kill(self, name: str) -> int:
        """kill -9 a Weft process; the ID it had."""
        pid = self.processes()[name]["pid"]
        assert pid, f"{name} does not run"
        os.kill(pid, signal.SIGKILL)
        return pid

    def service_pid(self, name: str) -> Optional[int]:
        """The process ID of postgres, redis or haproxy; None while it does not run."""
        return next(s["pid"] for s in self.status()["others"] if s["name"] == name)

    def kill_service(self, name: str) -> None:
        """kill -9 of postgres, redis or haproxy; returns once the supervisor has replaced it."""
        old_pid = self.service_pid(name)
        assert old_pid, f"{name} does not run"
        os.kill(old_pid, signal.SIGKILL)
        wait_for(
            f"{name} is back",
            lambda: self.service_pid(name) not in (None, old_pid),
            seconds=60,
            interval=0.1,
        )

    def wait_restarted(self, name: str, old_pid: int, seconds: float = 60) -> None:
        """Until the supervisor has replaced a killed process, and the new one is ready."""

        def replaced():
            process = self.processes()[name]
            return process["pid"] not in (None, old_pid) and process["health"] == "ready"

        wait_for(f"{name} is back", replaced, seconds, interval=0.2)

    def register(self, name: str) -> Client:
        """A client of a new account whose name begins with `name`."""
        return self.client().register(f"{name}-{uuid.uuid4().hex[:8]}")

    def client(self) -> Client:
        """A client without an account, closed with the cluster."""
        self.clients.append(Client(self.url))
        return self.clients[-1]

    def logs(self, lines: int = 40) -> str:
        parts = []
        for file in sorted((self.data_dir / "logs").glob("*.log")):
            end = file.read_text(errors="replace").splitlines()[-lines:]
            parts.append(f"--- {file.name}\n" + "\n".join(end))
        return "\n".join(parts)


def metric(port: int, series: str) -> float:
    """The sum of the series of a process's metrics that match a regular expression; raises OSError if nobody answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(rf"^{series}(?:{{[^}}]*}})? (\S+)", text, re.MULTILINE))


def transport_options() -> tuple:
    """WEFT_TEST_ON_REDIS=1: replication goes by Redis, whatever the test is about."""
    return ("--redis",) if os.environ.get("WEFT_TEST_ON_REDIS") == "1" else ()


class ClusterTestCase(unittest.TestCase):
    """A test with a cluster of its own; when it fails, the ends of all logs are printed."""

    scale = "synchrotron=1,event_persister=1,client_reader=1"
    config: Optional[dict] = None
    options: Sequence[str] = ()
    cluster: Cluster

    def setUp(self) -> None:
        self.start_cluster(self.scale)

    def start_cluster(self, scale: str) -> None:
        self.cluster = Cluster(scale, self.config, (*self.options, *transport_options()))
        self.addCleanup(self.cluster.stop)
        self.addCleanup(self._print_logs_after_failure)
        self.cluster.start()

    def crash_trigger(self) -> Path:
        """Before the cluster starts: the file whose text says at which `core::crash_point` a process dies."""
        trigger = Path(f"/tmp/weft-crash-{os.getpid()}")
        # The processes have it from the launcher, and that from here.
        os.environ["WEFT_TEST_CRASH_FILE"] = str(trigger)
        self.addCleanup(os.environ.pop, "WEFT_TEST_CRASH_FILE")
        self.addCleanup(trigger.unlink, missing_ok=True)
        return trigger

    def has_failed(self) -> bool:
        """During clean-up: whether the test has failed (`_outcome.success` is about the clean-up by then)."""
        result = self._outcome.result
        return any(test is self for test, _ in (*result.failures, *result.errors))

    def _print_logs_after_failure(self) -> None:
        if self.has_failed():
            print(self.cluster.logs(), file=sys.stderr, flush=True)

    def room_of_two(self) -> tuple:
        """(alice, bob, room ID): two new users in one new room."""
        alice, bob = self.cluster.register("alice"), self.cluster.register("bob")
        room_id = alice.create_room(preset="public_chat", name="Loom")
        bob.join(room_id)
        return alice, bob, room_id

    def assert_each_once(self, wanted: list, found: list, where: str) -> None:
        """Both hold the same, each once; says what is missing or double, not two long lists."""
        missing = [item for item in wanted if item not in set(found)]
        double = sorted({item for item in found if found.count(item) > 1})
        extra = sorted(set(found) - set(wanted))
        self.assertFalse(missing, f"missing from {where}")
        self.assertFalse(double, f"more than once in {where}")
        self.assertFalse(extra, f"not sent, but in {where}")
