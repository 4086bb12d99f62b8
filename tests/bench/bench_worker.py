"""A worker beside those of a cluster, started by hand, that records every row it applies."""

import datetime
import os
import re
import subprocess
import time
from pathlib import Path

from launcher import configs, probe
from launcher.cluster import Cluster, Process, pick_free_port, write_private

SECONDS_MAX = 20
NAME = "synchrotron_bench"
CONNECTED = re.compile(r"^(\S+) INFO .* connected to the master", re.MULTILINE)


class BenchWorker:
    def __init__(self, cluster: Cluster, rows: Path):
        self.cluster = cluster
        self.rows = rows
        self.log = cluster.logs_dir / f"{NAME}.{rows.stem}.log"

    def __enter__(self) -> "BenchWorker":
        taken = {port for ports in self.cluster.ports.values() for port in ports.values()}
        process = Process("synchrotron", NAME)
        for use in process.port_names():
            port = pick_free_port(taken)
            taken.add(port)
            setattr(process, use, port)
        text = configs.dump(configs.worker(self.cluster, process))
        write_private(self.cluster.data_dir / process.config_file, text)
        self.process = subprocess.Popen(
            configs.command_line(self.cluster, process),
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            env={**os.environ, "WEFT_ROW_LOG": str(self.rows)},
        )
        deadline = time.monotonic() + SECONDS_MAX
        while not probe.is_ready(process.metrics):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the worker did not become ready; see {self.log}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(timeout=SECONDS_MAX)

    def connected_at(self) -> float:
        """When it connected to the master for the last time, in seconds of the system's clock."""
        last = CONNECTED.findall(self.log.read_text())[-1]
        moment = datetime.datetime.fromisoformat(last.rstrip("Z")).replace(tzinfo=datetime.timezone.utc)
        return moment.timestamp()
