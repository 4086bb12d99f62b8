"""`weft bench replication`: what it costs to tell other processes what changed.

The master's relay beside redis-server, catch-up of a worker that missed much, a worker that only
listens, and the way from a commit to the row applied elsewhere. docs/benchmarks.md describes it.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE), str(TOP / "tests" / "support"), str(TOP / "deploy")]

import report  # noqa: E402
import weft_cluster  # noqa: E402
from applied_rows import RowFile  # noqa: E402
from bench_program import BenchProgram, running  # noqa: E402
from bench_worker import BenchWorker  # noqa: E402
from launcher.cluster import Cluster, pick_free_port  # noqa: E402
from launcher.supervisor import Supervisor  # noqa: E402
from matrix_client import wait_for  # noqa: E402
from missed_rows import SQL_OF_MISSED_ROWS, run_sql  # noqa: E402

SECONDS_MAX = 400
LINE_BYTES = 150
SUBSCRIBERS = {1: 600_000, 10: 300_000, 50: 100_000}  # and the lines of one round
ROUNDS = 3
MISSED_ROWS = 100_000
IDLE_ROWS = 100_000
IDLE_RATE = 20_000
SLOW_ROWS = 5_000
SLOW_RATE = 1_000
#: All streams that a process without users hears; `typing` and `federation` are their writer's alone.
IDLE_STREAMS = "events,caches,receipts,presence,account_data,to_device,device_lists,push_rules"
COMMIT_RATE = 1_000
COMMIT_SECONDS = 8

#: figure -> the bound, and whether it is the least or the most.
TARGETS = {
    "ratio_vs_redis_10": (4, "at least"),
    "ratio_vs_redis_50": (4, "at least"),
    "catchup_100k_s": (3, "at most"),
    "idle_worker_us_per_row": (5, "at most"),
    "commit_to_applied_ms_p99": (5, "at most"),
}


class ReplicationBench:
    """Phases in an order in which none disturbs the next: rows that are only announced come before those whose tokens
    have to be true."""

    def __init__(self, cluster: weft_cluster.Cluster, directory: Path):
        self.cluster = cluster
        self.directory = directory
        self.model = Cluster.load(cluster.data_dir)
        self.binary = self.model.binary("weft-replication-load")
        self.port = self.model.of_kind("master")[0].replication
        self.figures = report.Figures()
        # Of the next row of the writers that this benchmark plays; a new writer's first row is not far from the
        # tokens of the others.
        self.token = 1_000

    def run(self) -> None:
        self.step("rows for a worker that only listens", self.measure_idle_worker)
        self.step("rows that a worker did not subscribe to", self.measure_unsubscribed)
        self.step("from commit to applied", self.measure_latency)
        for stream in SQL_OF_MISSED_ROWS:
            self.step(f"{MISSED_ROWS} missed rows of {stream}", self.measure_catch_up, stream)
        self.figures.add(
            "catchup_100k_s",
            max(self.figures.values[f"catchup_100k_{stream}_s"] for stream in SQL_OF_MISSED_ROWS),
        )
        self.step("the relay and redis-server", self.measure_relays)

    def step(self, text: str, function, *arguments) -> None:
        begin = time.monotonic()
        print(f"bench: {text} ...", end="", flush=True)
        function(*arguments)
        print(f" {time.monotonic() - begin:.1f} s", flush=True)

    def load(self, *arguments) -> dict:
        done = subprocess.run(
            [str(self.binary), *map(str, arguments)], capture_output=True, text=True, timeout=120
        )
        if done.returncode != 0:
            raise RuntimeError(f"weft-replication-load {arguments[0]}: {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def tokens(self, count: int) -> int:
        """The first of so many tokens that nobody has seen."""
        first, self.token = self.token, self.token + 2 * count
        return first

    def pid(self, name: str) -> int:
        return self.cluster.processes()[name]["pid"]

    @contextmanager
    def helper(self, *arguments):
        """A weft-replication-load that runs until we are done; what it says first, and its process."""
        process = subprocess.Popen(
            [str(self.binary), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.directory / f"{arguments[0]}.log").open("w"),
        )
        try:
            yield json.loads(process.stdout.readline()), process.pid
        finally:
            process.stdin.close()
            process.wait(timeout=10)
            process.stdout.close()

    @contextmanager
    def redis(self):
        port = pick_free_port({self.port})
        process = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            cwd=self.directory,
        )
        try:
            wait_for("redis-server", lambda: _answers(port), seconds=10)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(timeout=10)

    # Phases

    def measure_relays(self) -> None:
        """Rounds in turn, so that all meet the same moods of the machine."""
        with self.helper("serve") as (said, relay_pid), self.redis() as (redis_port, redis_pid):
            relays = {
                "redis": ("redis", redis_port, redis_pid),
                "weft": ("weft", said["port"], relay_pid),
                "master": ("weft", self.port, self.pid("master")),
            }
            for subscribers, lines in SUBSCRIBERS.items():
                rounds = {name: [] for name in relays}
                for _ in range(ROUNDS):
                    for name, (kind, port, pid) in relays.items():
                        rounds[name].append(
                            self.load(
                                "relay", "--kind", kind, "--port", port, "--pid", pid,
                                "--subscribers", subscribers, "--lines", lines,
                                "--line-bytes", LINE_BYTES, "--first-token", self.tokens(lines),
                            )  # fmt: skip
                        )
                self.add_relays(subscribers, rounds)

    def add_relays(self, subscribers: int, rounds: dict) -> None:
        def median(name, value):
            return statistics.median(value(each) for each in rounds[name])

        cpu = {name: median(name, lambda r: r["cpu_us"] / r["delivered"]) for name in rounds}
        for name in rounds:
            self.figures.add(
                f"{name}_lines_per_s_{subscribers}",
                median(name, lambda r: r["delivered"] / r["seconds"]),
                0,
            )
            self.figures.add(f"{name}_cpu_us_per_line_{subscribers}", cpu[name], 4)
        self.figures.add(f"ratio_vs_redis_{subscribers}", cpu["redis"] / cpu["weft"], 2)
        self.figures.add(f"ratio_vs_redis_{subscribers}_master", cpu["redis"] / cpu["master"], 2)

    def measure_idle_worker(self) -> None:
        worker = self.pid("synchrotron1")
        for name, rows, rate in (
            ("idle_worker_us_per_row", IDLE_ROWS, IDLE_RATE),
            (f"idle_worker_us_per_row_at_{SLOW_RATE}_per_s", SLOW_ROWS, SLOW_RATE),
        ):
            answer = self.send_rows(worker, IDLE_STREAMS, rows, rate)
            self.figures.add(name, answer["cpu_us"][0] / answer["rows"], 3)

    def measure_unsubscribed(self) -> None:
        other = IDLE_STREAMS.replace("events,", "")
        arguments = ("--port", self.port, "--server-name", self.model.server_name)
        with self.helper("listen", *arguments, "--streams", "events") as (_, pid):
            answer = self.send_rows(pid, other, IDLE_ROWS, IDLE_RATE)
        self.figures.add(
            "idle_worker_unsubscribed_us_per_row", answer["cpu_us"][0] / answer["rows"], 4
        )

    def send_rows(self, pid: int, streams: str, rows: int, rate: int) -> dict:
        return self.load(
            "rows", "--port", self.port, "--pid", pid, "--streams", streams,
            "--rows", rows, "--rate", rate, "--first-token", self.tokens(rows),
        )  # fmt: skip

    def measure_latency(self) -> None:
        with BenchWorker(self.model, self.directory / "latency.rows") as worker:
            answer = self.load(
                "commits", "--port", self.port, "--server-name", self.model.server_name,
                "--database-host", self.model.postgres_socket_dir, "--database-user", "weft",
                "--database", "weft", "--rate", COMMIT_RATE, "--seconds", COMMIT_SECONDS,
            )  # fmt: skip
            rows = RowFile(worker.rows)
            wait_for(
                "all rows applied", lambda: rows.count("caches", "bench_committer") >= answer["rows"]
            )
            applied = rows.times("caches", "bench_committer")
        delays = sorted((applied[token] - committed) / 1000 for token, committed in answer["commits"])
        self.figures.add("commit_to_applied_rows_per_s", answer["rows"] / answer["seconds"], 0)
        self.figures.add("commit_to_applied_ms_p50", statistics.median(delays))
        self.figures.add("commit_to_applied_ms_p99", delays[int(len(delays) * 0.99)])

    def measure_catch_up(self, stream: str) -> None:
        """The master is away while the rows are written; it announces where they end when it is back."""
        supervisor = Supervisor(self.model)
        with BenchWorker(self.model, self.directory / f"{stream}.rows") as worker:
            rows = RowFile(worker.rows)
            supervisor.stop(["master"])
            before = rows.count(stream, "master")
            sql = SQL_OF_MISSED_ROWS[stream].format(count=MISSED_ROWS, last=self.token)
            run_sql(self.model, sql)
            supervisor.start("master")
            wait_for(
                f"{MISSED_ROWS} rows of {stream}",
                lambda: rows.count(stream, "master") - before >= MISSED_ROWS,
                seconds=60,
            )
            last = max(rows.times(stream, "master").values()) / 1e6
            self.figures.add(f"catchup_100k_{stream}_s", last - worker.connected_at())
        wait_for("every process is up again", self.is_up, seconds=30)

    def is_up(self) -> bool:
        """Without the lag of the writers that this benchmark played, which are gone."""
        processes = self.cluster.processes().values()
        return all(p["health"] == "ready" and p["replication"] in ("up", "master") for p in processes)


def _answers(port: int) -> bool:
    import socket

    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def tables(figures: dict) -> str:
    get = figures.get
    relays = [("to ... subscribers", *map(str, SUBSCRIBERS))]
    for name, title in (
        ("redis", "redis-server"),
        ("weft", "Weft's relay"),
        ("master", "weft-master, which applies the rows too"),
    ):
        relays.append((f"{title}: lines/s", *[get(f"{name}_lines_per_s_{n}") for n in SUBSCRIBERS]))
        relays.append(
            (f"{title}: CPU µs a line", *[get(f"{name}_cpu_us_per_line_{n}") for n in SUBSCRIBERS])
        )
    relays.append(("lines per CPU second, relay / redis", *[get(f"ratio_vs_redis_{n}") for n in SUBSCRIBERS]))
    relays.append(
        ("lines per CPU second, master / redis", *[get(f"ratio_vs_redis_{n}_master") for n in SUBSCRIBERS])
    )
    others = [("figure", "")]
    shown = ("catchup", "idle", "commit")
    others += [(name, value) for name, value in figures.items() if name.startswith(shown)]
    targets = [("target", "figure", "", "bound", "")]
    for name, (bound, kind) in TARGETS.items():
        met = figures[name] >= bound if kind == "at least" else figures[name] <= bound
        targets.append((name, figures[name], kind, bound, "met" if met else "MISSED"))
    return "\n".join(
        [
            report.table(f"One writer's lines of {LINE_BYTES} bytes", relays),
            report.table("Workers", others),
            report.table("Targets", targets),
        ]
    )


def main() -> int:
    program = BenchProgram("replication", __doc__)
    program.parse()
    redis = subprocess.check_output(["redis-server", "--version"], text=True).split()[2]
    cluster = weft_cluster.Cluster("synchrotron=1")
    with program.time_limit(SECONDS_MAX), tempfile.TemporaryDirectory(prefix="weft-bench-") as directory:
        with running(cluster):
            cluster.wait_healthy()
            bench = ReplicationBench(cluster, Path(directory))
            bench.run()
    program.tell(program.about(redis=redis), bench.figures, tables(bench.figures.values))
    return 0


if __name__ == "__main__":
    sys.exit(main())
