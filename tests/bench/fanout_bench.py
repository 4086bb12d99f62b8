"""`weft bench fanout`: what a message, a sync, a process cost.

A private cluster with one worker of each kind and its own PostgreSQL; many clients played by
weft-loadgen through the proxy. What is measured and how, docs/benchmarks.md says.
"""

import statistics
import sys
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE), str(TOP / "tests" / "support"), str(TOP / "deploy")]

import report  # noqa: E402
import weft_cluster  # noqa: E402
import worker_start  # noqa: E402
from bench_program import BenchProgram, running  # noqa: E402
from database import ROW, STATISTICS_SECONDS, Database  # noqa: E402
from launcher.cluster import Cluster  # noqa: E402
from loadgen_process import LoadGenerator  # noqa: E402
from processes import CpuMeter, rss_mb  # noqa: E402

SCALE = "synchrotron=1,event_persister=1,client_reader=1"
SECONDS_MAX = 240

READERS = 100
SENDS = 50
PAUSE_MS = 100
SENDER_COUNTS = (1, 8, 32)
SOLOISTS = 8
SENDER_SECONDS = 6
PGBENCH_SECONDS = 4
IDLE_SECONDS = 5
SYNC_SECONDS = 5
ROOMS = 20
ROOM_MESSAGES = 10
ROOM_MEMBERS = 4
WORKER_STARTS = 5

#: figure -> the most that it should be.
TARGETS = {
    "last_client_ms_p50": 25,
    "cpu_ms_per_message_8": 2,
    "commits_per_message_8": 2,
    "synchrotron_cpu_ms_per_delivered_event": 0.1,
    "synchrotron_cpu_ms_per_empty_sync": 0.1,
    "initial_sync_cpu_ms_20_rooms": 5,
    "rss_mb_synchrotron": 40,
    "rss_mb_event_persister": 40,
    "rss_mb_client_reader": 40,
    "worker_start_s": 0.3,
}


class FanoutBench:
    def __init__(self, cluster: weft_cluster.Cluster, loadgen: LoadGenerator):
        self.loadgen = loadgen
        self.model = Cluster.load(cluster.data_dir)
        self.database = Database(self.model)
        self.figures = report.Figures()
        state = cluster.status()
        # One process a kind, so the kind is its name.
        weft = {process["kind"]: process["pid"] for process in state["processes"]}
        others = {other["name"]: other["pid"] for other in state["others"]}
        self.weft_pids = weft
        self.pids = {**weft, **others, "loadgen": loadgen.pid}

    def run(self) -> None:
        for kind, pid in self.weft_pids.items():
            self.figures.add(f"rss_mb_{kind}", rss_mb(pid), 1)
        self.step("preparing accounts and rooms", self.prepare)
        self.step("one message to all readers, on an idle cluster", self.measure_fanout)
        self.step("messages from 1 sender", self.measure_senders, 1)
        self.step("PostgreSQL's own commits (pgbench)", self.measure_pgbench)
        self.step("messages from 8 senders, and what an idle cluster uses", self.measure_eight)
        self.step("messages from 32 senders", self.measure_senders, 32)
        self.step("messages from 8 senders, each in another room", self.measure_rooms)
        self.step("empty incremental syncs", self.measure_empty_syncs)
        self.step(f"initial syncs of {ROOMS} rooms", self.measure_initial_syncs)
        for kind, pid in self.weft_pids.items():
            self.figures.add(f"rss_mb_loaded_{kind}", rss_mb(pid), 1)
        self.step("starting a worker", self.measure_worker_start)

    def step(self, text: str, function, *arguments) -> None:
        begin = time.monotonic()
        print(f"bench: {text} ...", end="", flush=True)
        function(*arguments)
        print(f" {time.monotonic() - begin:.1f} s", flush=True)

    # Phases

    def prepare(self) -> None:
        do = self.loadgen.perform
        do("register", group="reader", count=READERS)
        do("register", group="sender", count=max(SENDER_COUNTS))
        do("register", group="soloist", count=SOLOISTS)
        do("register", group="speaker", count=1)
        do("register", group="member", count=ROOM_MEMBERS)
        # The speaker is not among the readers: its own answer is no delivery.
        do("room", room="hall", groups=["speaker", "reader"])
        do("room", room="workshop", groups=["sender"])
        for i in range(SOLOISTS):
            do("room", room=f"studio{i}", groups=["soloist"])
        for i in range(ROOMS):
            do("room", room=f"room{i}", groups=["member"])
            do("say", group="member", room=f"room{i}", messages=ROOM_MESSAGES)
        do("poll", group="reader")

    def measure_fanout(self) -> None:
        cpu = CpuMeter(self.pids)
        answer = self.loadgen.perform(
            "fanout", sender="speaker", room="hall", sends=SENDS, pause_ms=PAUSE_MS
        )
        used = cpu.used_ms()
        self.figures.add_quantiles("first_client_ms", answer["first_ms"])
        self.figures.add_quantiles("median_client_ms", answer["median_ms"])
        self.figures.add_quantiles("last_client_ms", answer["last_ms"])
        self.figures.add_quantiles("put_ms", answer["put_ms"])
        self.figures.add_cpu("fanout_cpu_ms_per_message", used, SENDS)
        self.figures.add(
            "synchrotron_cpu_ms_per_delivered_event",
            used["synchrotron"] / answer["deliveries"],
            4,
        )

    def measure_senders(self, senders: int) -> float:
        """All in one room, the readers waiting meanwhile; returns the number of messages."""
        return self.send(str(senders), "sender", senders, ["workshop"])

    def measure_rooms(self) -> None:
        studios = [f"studio{i}" for i in range(SOLOISTS)]
        self.send(f"{SOLOISTS}_rooms", "soloist", SOLOISTS, studios)

    def send(self, name: str, group: str, senders: int, rooms: list) -> float:
        cpu = CpuMeter(self.pids)
        answer = self.loadgen.perform(
            "senders", group=group, senders=senders, rooms=rooms, seconds=SENDER_SECONDS
        )
        messages = answer["messages"]
        self.figures.add_cpu(f"cpu_ms_per_message_{name}", cpu.used_ms(), messages)
        self.figures.add(f"messages_per_s_{name}", messages / answer["seconds"], 1)
        self.figures.add(f"message_ms_p50_{name}", answer["latency_ms"]["p50"])
        self.figures.add(f"message_ms_p99_{name}", answer["latency_ms"]["p99"])
        return messages

    def measure_pgbench(self) -> None:
        self.database.prepare_pgbench()
        for clients in SENDER_COUNTS:
            rate = self.database.pgbench(ROW, clients, PGBENCH_SECONDS).per_s
            self.figures.add(f"pgbench_commits_per_s_{clients}", rate, 1)
        self.database.end_pgbench()

    def measure_eight(self) -> None:
        """Eight senders; then the cluster is left alone until PostgreSQL's statistics are complete
        (pgbench, which ran before, gave it that time too), and a little longer to see what an idle
        cluster uses."""
        begin, commits, writes = time.monotonic(), self.database.commits(), self.database.writes()
        messages = self.measure_senders(8)
        writes = self.database.writes() - writes
        time.sleep(STATISTICS_SECONDS)
        commits, begin = self.database.commits() - commits, time.monotonic() - begin
        cpu, idle_commits, idle = CpuMeter(self.pids), self.database.commits(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        idle = time.monotonic() - idle
        idle_commits_per_s = (self.database.commits() - idle_commits) / idle

        self.figures.add_cpu("idle_cpu_ms_per_s", cpu.used_ms(), idle)
        self.figures.add("idle_commits_per_s", idle_commits_per_s, 2)
        own = max(0, commits - idle_commits_per_s * begin)
        self.figures.add("commits_per_message_8", own / messages)
        self.figures.add("write_commits_per_message_8", writes / messages)

    def measure_empty_syncs(self) -> None:
        self.figures.add(
            "fanout_other_responses", self.loadgen.perform("stop_polling")["other_responses"]
        )
        cpu = CpuMeter(self.pids)
        answer = self.loadgen.perform("empty_syncs", group="member", seconds=SYNC_SECONDS)
        used = cpu.used_ms()
        self.figures.add("empty_syncs_per_s", answer["syncs"] / answer["seconds"], 1)
        self.figures.add("empty_sync_ms_p50", answer["latency_ms"]["p50"])
        self.figures.add("empty_sync_bytes", answer["bytes"])
        self.figures.add_cpu("empty_sync_cpu_ms", used, answer["syncs"])
        self.figures.add(
            "synchrotron_cpu_ms_per_empty_sync", used["synchrotron"] / answer["syncs"], 4
        )

    def measure_initial_syncs(self) -> None:
        cpu = CpuMeter(self.pids)
        answer = self.loadgen.perform("initial_syncs", group="member", seconds=SYNC_SECONDS)
        self.figures.add_cpu("initial_sync_cpu_ms_20_rooms", cpu.used_ms(), answer["syncs"])
        self.figures.add("initial_syncs_per_s", answer["syncs"] / answer["seconds"], 1)
        self.figures.add("initial_sync_ms_p50", answer["latency_ms"]["p50"])
        self.figures.add("initial_sync_bytes", answer["bytes"])

    def measure_worker_start(self) -> None:
        starts = worker_start.measure(self.model, WORKER_STARTS)
        self.figures.add("worker_start_s", statistics.median(s for s, _ in starts))
        self.figures.add("worker_start_s_max", max(s for s, _ in starts))


# What is printed


def tables(figures: dict, processes: list) -> str:
    get = figures.get
    fanout = [("to the ... client, ms", "p50", "p90")]
    for which in ("first", "median", "last"):
        name = f"{which}_client_ms"
        fanout.append((which, get(f"{name}_p50"), get(f"{name}_p90")))
    fanout.append(("the sender's own answer", get("put_ms_p50"), get("put_ms_p90")))

    sending = [("senders", "messages/s", "p50 ms", "p99 ms", "pgbench commits/s")]
    for name in ("1", "8", "32", "8_rooms"):
        sending.append(
            (
                name.replace("_rooms", ", a room each"),
                get(f"messages_per_s_{name}"),
                get(f"message_ms_p50_{name}"),
                get(f"message_ms_p99_{name}"),
                get(f"pgbench_commits_per_s_{name}"),
            )
        )

    syncing = [
        ("/sync", "per s", "p50 ms", "bytes"),
        ("empty", get("empty_syncs_per_s"), get("empty_sync_ms_p50"), get("empty_sync_bytes")),
        (
            f"initial, {ROOMS} rooms",
            get("initial_syncs_per_s"),
            get("initial_sync_ms_p50"),
            get("initial_sync_bytes"),
        ),
    ]

    cpu = [("CPU ms per ...", "counted", *processes)]
    for title, name in (
        (f"message to {READERS} readers", "fanout_cpu_ms_per_message"),
        ("message, 1 sender", "cpu_ms_per_message_1"),
        ("message, 8 senders", "cpu_ms_per_message_8"),
        ("message, 32 senders", "cpu_ms_per_message_32"),
        ("message, 8 rooms", "cpu_ms_per_message_8_rooms"),
        ("empty sync", "empty_sync_cpu_ms"),
        ("initial sync", "initial_sync_cpu_ms_20_rooms"),
        ("second, idle", "idle_cpu_ms_per_s"),
    ):
        cpu.append((title, get(name), *[get(f"{name}_{process}") for process in processes]))

    memory = [("RSS, MB", "after start", "at the end")]
    for process in processes:
        if f"rss_mb_{process}" in figures:
            memory.append((process, get(f"rss_mb_{process}"), get(f"rss_mb_loaded_{process}")))

    targets = [("target", "figure", "at most", "")]
    for name, most in TARGETS.items():
        targets.append((name, figures[name], most, "met" if figures[name] <= most else "MISSED"))
    return "\n".join(
        [
            report.table(f"One message to {READERS} waiting clients, {SENDS} times", fanout),
            report.table("Messages", sending),
            report.table("Syncs", syncing),
            report.table("CPU ('counted': Weft's processes and PostgreSQL)", cpu),
            report.table("Memory", memory),
            report.table("Targets", targets),
        ]
    )


def main() -> int:
    program = BenchProgram("fanout", __doc__, "weft-loadgen")
    program.parse()
    cluster = weft_cluster.Cluster(SCALE, weft_cluster.UNLIMITED_RATES)
    with program.time_limit(SECONDS_MAX), running(cluster):
        cluster.wait_healthy()
        with closing(LoadGenerator(program.binary, cluster.url)) as loadgen:
            bench = FanoutBench(cluster, loadgen)
            about = program.about(postgresql=bench.database.settings())
            bench.run()
    program.tell(about, bench.figures, tables(bench.figures.values, list(bench.pids)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
