"""A worker of a real Synapse 1.15 in a cluster of ours, for whoever has one (docs/testing.md)."""

import os
import socket
import subprocess
import threading
from typing import Optional

import yaml

from matrix_client import PREFIX, Client, wait_for
from weft_cluster import Cluster, free_port

#: A Python whose packages include matrix-synapse 1.15.0.
PYTHON = os.environ.get("WEFT_SYNAPSE_PYTHON", "")

_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s - %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "INFO", "handlers": ["console"]},
}


class OldClient(Client):
    """A client of Synapse 1.15: paths and answers of its time."""

    is_checked = False

    def request_once(self, method: str, path: str, body=None, timeout: float = 60) -> tuple:
        return super().request_once(method, path.replace(PREFIX, "/_matrix/client/r0", 1), body, timeout)

    @staticmethod
    def _may_repeat(method: str, status: int, errcode: Optional[str]) -> bool:
        # While the master is away, what a worker needs it for fails with 500.
        return status >= 500 if method == "GET" else Client._may_repeat(method, status, errcode)


class TcpToUnix:
    """A TCP port that leads to a unix socket: Synapse 1.15 knows Redis by host and port only."""

    def __init__(self, path: str):
        self.path = path
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self.path)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class SynapseWorker:
    """`synapse.app.generic_worker`, which takes part in `cluster` as configuration says it may."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.directory = cluster.base / "synapse"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: Optional[subprocess.Popen] = None
        self.redis: Optional[TcpToUnix] = None
        self.clients: list = []

    def start(self) -> "SynapseWorker":
        self.directory.mkdir()
        ours = yaml.safe_load((self.cluster.data_dir / "homeserver.yaml").read_text())
        shared, own = self._shared(ours), self._own()
        paths = []
        for name, content in (("logging", _LOGGING), ("homeserver", shared), ("worker", own)):
            paths.append(self.directory / f"{name}.yaml")
            paths[-1].write_text(yaml.safe_dump(content))
        with open(self.directory / "worker.log", "w") as log:
            self.process = subprocess.Popen(
                [PYTHON, "-m", "synapse.app.generic_worker", "-c", str(paths[1]), "-c", str(paths[2])],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for("Synapse listens", self._listens, seconds=60)
        return self

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
        if self.redis is not None:
            self.redis.close()

    def client(self, user: Optional[Client] = None) -> OldClient:
        """A user's device, or somebody without an account, at this worker; closed with it."""
        self.clients.append(OldClient(self.url, *((user.user_id, user.token) if user else ())))
        return self.clients[-1]

    def log(self) -> str:
        return (self.directory / "worker.log").read_text(errors="replace")

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def _shared(self, ours: dict) -> dict:
        args = ours["database"]["args"]
        database = {"user": args["user"], "database": args["dbname"], "host": args["host"], "cp_max": 5}
        config = {
            "server_name": ours["server_name"],
            "signing_key_path": ours["signing_key_path"],
            "database": {"name": "psycopg2", "args": database},
            "macaroon_secret_key": "a secret of this test",
            "form_secret": "another",
            "report_stats": False,
            "enable_registration": True,
            "trusted_key_servers": [],
            "media_store_path": str(self.directory / "media"),
            "listeners": [],
            "stream_writers": {"events": ours["stream_writers"]["events"][0]},
            "instance_map": {
                name: address for name, address in ours["instance_map"].items() if name != "master"
            },
            # What is not a worker's, wherever it runs.
            "send_federation": False,
            "start_pushers": False,
            "notify_appservices": False,
            "update_user_directory": False,
        }
        if ours.get("redis", {}).get("enabled"):
            self.redis = TcpToUnix(ours["redis"]["path"])
            config["redis"] = {"enabled": True, "host": "127.0.0.1", "port": self.redis.port}
        return config

    def _own(self) -> dict:
        ports = self.cluster.processes()["master"]["ports"]
        return {
            "worker_app": "synapse.app.generic_worker",
            "worker_name": "synapse1",
            "worker_replication_host": "127.0.0.1",
            "worker_replication_port": ports.get("replication", 0),
            "worker_replication_http_port": ports["rpc"],
            "worker_main_http_uri": self.cluster.url,
            "worker_listeners": [
                {
                    "type": "http",
                    "port": self.port,
                    "bind_addresses": ["127.0.0.1"],
                    "resources": [{"names": ["client"]}],
                }
            ],
            "worker_log_config": str(self.directory / "logging.yaml"),
            "worker_pid_file": str(self.directory / "worker.pid"),
        }
