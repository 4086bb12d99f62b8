"""`weft bench sync`: what it costs to open a client, and to wait for something to happen.

A private cluster with two synchrotrons. Some hundred people share some hundred rooms and all open their
clients at once; then a thousand clients wait in one room for one message. What is measured and how,
docs/benchmarks.md says.
"""

import statistics
import sys
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE), str(TOP / "tests" / "support"), str(TOP / "deploy")]

import bulk_rooms  # noqa: E402
import report  # noqa: E402
import weft_cluster  # noqa: E402
from bench_program import BenchProgram, running  # noqa: E402
from loadgen_process import LoadGenerator  # noqa: E402
from processes import CpuMeter, rss_mb  # noqa: E402

SCALE = "synchrotron=2,event_persister=1,client_reader=1"
SECONDS_MAX = 420

ROOMS = 300
MEMBERS = 300
SYNCS_AT_ONCE = 200
#: A full answer has some 40 MB: the machine's memory, not the server's, bounds how many can be read at once.
FULL_SYNCS = 12
FULL_AT_ONCE = 4
WAITING = 1000
SENDS = 20
PAUSE_MS = 200
INCREMENTAL_SECONDS = 5

#: figure -> the most that it should be.
TARGETS = {"last_of_1000_ms_p50": 100, "kib_per_waiting_client": 32}


class SyncBench:
    def __init__(self, cluster: weft_cluster.Cluster, binary: Path, options):
        self.cluster = cluster
        self.binary = binary
        self.options = options
        self.figures = report.Figures()
        self.loadgen = None

    def run(self) -> None:
        self.step(f"one room of {MEMBERS} members", self.make_template)
        self.step(f"{self.options.rooms} rooms like it, and a restart", self.make_rooms)
        self.step(f"{SYNCS_AT_ONCE} initial syncs at once, lazy members", self.measure_lazy)
        self.step("incremental syncs of the same people", self.measure_incremental)
        self.step(f"{self.options.full} full initial syncs, {FULL_AT_ONCE} at once", self.measure_full)
        self.step(f"{WAITING} clients begin to wait", self.measure_waiting)
        self.step(f"{SENDS} messages to all of them", self.measure_fanout)

    def step(self, text: str, function) -> None:
        begin = time.monotonic()
        print(f"bench: {text} ...", end="", flush=True)
        function()
        print(f" {time.monotonic() - begin:.1f} s", flush=True)

    def connect(self) -> None:
        self.cluster.wait_healthy()
        self.loadgen = LoadGenerator(self.binary, self.cluster.url)

    def close(self) -> None:
        if self.loadgen:
            self.loadgen.close()
            self.loadgen = None

    # Phases

    def make_template(self) -> None:
        self.connect()
        self.sql = bulk_rooms.Sql(self.cluster.data_dir)
        self.members = bulk_rooms.add_accounts(self.sql, "localhost", "member", MEMBERS)
        self.waiting = bulk_rooms.add_accounts(self.sql, "localhost", "waiting", WAITING)
        self.speaker = bulk_rooms.add_accounts(self.sql, "localhost", "speaker", 1)
        self.loadgen.perform("adopt", group="member", users=self.members)
        self.loadgen.perform("room", room="template", groups=["member"])
        self.loadgen.perform("say", group="member", room="template", messages=20)
        self.close()

    def make_rooms(self) -> None:
        room_id = self.sql.run("SELECT room_id FROM rooms")
        bulk_rooms.copy_room(self.sql, room_id, self.options.rooms - 1)
        self.cluster.weft("down")
        self.cluster.start()
        self.connect()
        self.loadgen.perform("adopt", group="member", users=self.members)

    def first_syncs(self, members: str, users: int, at_once: int) -> None:
        cpu = CpuMeter(self.synchrotrons())
        answer = self.loadgen.perform(
            "first_syncs", group="member", users=users, at_once=at_once, members=members
        )
        used = sum(cpu.used_ms().values())
        self.figures.add(f"initial_sync_{members}_p50_s", answer["latency_ms"]["p50"] / 1000)
        self.figures.add(f"initial_sync_{members}_max_s", answer["latency_ms"]["max"] / 1000)
        self.figures.add(f"initial_sync_{members}_bytes", answer["bytes"], 0)
        self.figures.add(f"initial_sync_{members}_cpu_ms", used / users, 1)
        rss = sum(rss_mb(pid) for pid in self.synchrotrons().values())
        self.figures.add(f"initial_sync_{members}_rss_mb", rss, 1)

    def measure_lazy(self) -> None:
        self.first_syncs("lazy", SYNCS_AT_ONCE, SYNCS_AT_ONCE)

    def measure_full(self) -> None:
        self.first_syncs("full", self.options.full, min(self.options.full, FULL_AT_ONCE))

    def measure_incremental(self) -> None:
        answer = self.loadgen.perform("empty_syncs", group="member", seconds=INCREMENTAL_SECONDS)
        self.figures.add("incremental_sync_ms_p50", answer["latency_ms"]["p50"])
        self.figures.add("incremental_syncs_per_s", answer["syncs"] / answer["seconds"], 1)

    def measure_waiting(self) -> None:
        # Begins with processes that have not held the answers of before.
        self.close()
        self.cluster.weft("down")
        self.cluster.start()
        self.connect()
        do = self.loadgen.perform
        do("adopt", group="waiting", users=self.waiting)
        do("adopt", group="speaker", users=self.speaker)
        do("room", room="hall", groups=["speaker", "waiting"])
        do("first_syncs", group="waiting", users=WAITING, at_once=8, members="lazy")
        before = {name: rss_mb(pid) for name, pid in self.synchrotrons().items()}
        do("poll", group="waiting")
        after = {name: rss_mb(pid) for name, pid in self.synchrotrons().items()}
        grown = sum(after.values()) - sum(before.values())
        self.figures.add("kib_per_waiting_client", grown * 1e6 / 1024 / WAITING, 1)

    def measure_fanout(self) -> None:
        cpu = CpuMeter(self.synchrotrons())
        answer = self.loadgen.perform(
            "fanout", sender="speaker", room="hall", sends=SENDS, pause_ms=PAUSE_MS
        )
        used = sum(cpu.used_ms().values())
        self.figures.add("put_to_1000_ms_p50", statistics.median(answer["put_ms"]))
        self.figures.add("first_of_1000_ms_p50", statistics.median(answer["first_ms"]))
        self.figures.add("median_of_1000_ms_p50", statistics.median(answer["median_ms"]))
        self.figures.add_quantiles("last_of_1000_ms", answer["last_ms"])
        self.figures.add("synchrotron_cpu_ms_per_delivered_event", used / answer["deliveries"], 4)
        # After the sends each waiting client has a connection in full use.
        rss = sum(rss_mb(pid) for pid in self.synchrotrons().values())
        self.figures.add("rss_mb_synchrotrons_waiting", rss, 1)

    def synchrotrons(self) -> dict:
        """name -> process ID"""
        return {
            name: process["pid"]
            for name, process in self.cluster.processes().items()
            if process["kind"] == "synchrotron"
        }


def tables(figures: dict) -> str:
    get = figures.get
    opening = [(f"initial sync, {ROOMS} rooms", "p50 s", "max s", "MB", "CPU ms", "RSS MB")]
    for members in ("lazy", "full"):
        name = f"initial_sync_{members}"
        opening.append(
            (
                f"{members} members",
                get(f"{name}_p50_s"),
                get(f"{name}_max_s"),
                get(f"{name}_bytes") / 1e6,
                get(f"{name}_cpu_ms"),
                get(f"{name}_rss_mb"),
            )
        )
    waiting = [
        ("incremental sync, ms", get("incremental_sync_ms_p50")),
        ("sending a message, ms", get("put_to_1000_ms_p50")),
        ("message to the first client", get("first_of_1000_ms_p50")),
        ("to the median client", get("median_of_1000_ms_p50")),
        ("to the last client", get("last_of_1000_ms_p50")),
        ("KiB a waiting client", get("kib_per_waiting_client")),
    ]
    targets = [("target", "figure", "at most", "")]
    for name, most in TARGETS.items():
        targets.append((name, figures[name], most, "met" if figures[name] <= most else "MISSED"))
    return "\n".join(
        [
            report.table("Opening a client", opening),
            report.table(f"{WAITING} clients of two synchrotrons in one room", waiting),
            report.table("Targets", targets),
        ]
    )


def main() -> int:
    program = BenchProgram("sync", __doc__, "weft-loadgen")
    program.parser.add_argument("--rooms", type=int, default=ROOMS, help="default: %(default)s")
    program.parser.add_argument("--full", type=int, default=FULL_SYNCS, help="full initial syncs; default: %(default)s")
    options = program.parse()
    cluster = weft_cluster.Cluster(SCALE, weft_cluster.UNLIMITED_RATES)
    with program.time_limit(SECONDS_MAX), running(cluster):
        with closing(SyncBench(cluster, program.binary, options)) as bench:
            bench.run()
    program.tell(program.about(), bench.figures, tables(bench.figures.values))
    return 0


if __name__ == "__main__":
    sys.exit(main())
