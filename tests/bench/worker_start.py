"""How long a worker takes from exec until it is ready, with an existing database."""

import subprocess
import time

from launcher import configs, probe
from launcher.cluster import Cluster, Process, pick_free_port, write_private
from processes import rss_mb

SECONDS_MAX = 20
POLL_SECONDS = 0.002


def measure(cluster: Cluster, times: int) -> list:
    """Starts one more synchrotron by hand, beside those of the cluster; a (seconds, RSS in MB) for
    each time."""
    taken = {port for ports in cluster.ports.values() for port in ports.values()}
    process = Process("synchrotron", "synchrotron_bench")
    for use in process.port_names():
        port = pick_free_port(taken)
        taken.add(port)
        setattr(process, use, port)
    text = configs.dump(configs.worker(cluster, process))
    write_private(cluster.data_dir / process.config_file, text)
    return [start_once(cluster, process) for _ in range(times)]


def start_once(cluster: Cluster, process: Process) -> tuple:
    with (cluster.logs_dir / f"{process.name}.log").open("a") as log:
        begin = time.perf_counter()
        worker = subprocess.Popen(
            configs.command_line(cluster, process), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while not probe.is_ready(process.metrics):
                if worker.poll() is not None or time.perf_counter() - begin > SECONDS_MAX:
                    raise RuntimeError(f"the worker did not become ready; see {log.name}")
                time.sleep(POLL_SECONDS)
            return time.perf_counter() - begin, rss_mb(worker.pid)
        finally:
            worker.terminate()
            worker.wait(timeout=SECONDS_MAX)
