"""`weft bench persist`: how fast messages are stored, beside what PostgreSQL does by itself.

Private clusters, one for each number of event persisters, with their own PostgreSQL; the senders are
played by weft-loadgen through the proxy. What is measured and how, docs/benchmarks.md says.
"""

import sys
import time
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE), str(TOP / "tests" / "support"), str(TOP / "deploy")]

import big_room  # noqa: E402
import report  # noqa: E402
import weft_cluster  # noqa: E402
from bench_program import BenchProgram, running  # noqa: E402
from database import MESSAGE, ROW, Database  # noqa: E402
from launcher.cluster import Cluster  # noqa: E402
from loadgen_process import LoadGenerator  # noqa: E402
from processes import CpuMeter, MachineLoad  # noqa: E402

SECONDS_MAX = 400

SENDERS = (1, 8, 32, 128)
ROOMS = (1, 8, 64)
PERSISTERS = (1, 2)
SECONDS = 3
WARM_UP_SECONDS = 2
BIG_ROOM_MEMBERS = 10_000
SMALL_ROOM_MEMBERS = 10
#: What PostgreSQL commits by itself: one row of an event's size, and all rows that a message leaves.
PGBENCH_SCRIPTS = {"commits": ROW, "messages": MESSAGE}
#: Of all CPU time, from when on nothing more can be had of the machine.
SATURATED = 0.9


def members(room: int, rooms: int, senders: int) -> list:
    """Who sends into a room, and nobody else is in it: senders and rooms are dealt out to each other in turn."""
    turns = min(senders, rooms)
    return [user for user in range(senders) if user % turns == room % turns]


class PersistBench:
    def __init__(self, persisters: int, figures: report.Figures, loadgen_binary: Path):
        self.persisters = persisters
        self.figures = figures
        self.loadgen_binary = loadgen_binary
        scale = f"synchrotron=1,client_reader=1,event_persister={persisters}"
        self.cluster = weft_cluster.Cluster(scale, weft_cluster.UNLIMITED_RATES)

    def run(self, about: dict) -> None:
        with running(self.cluster):
            self.cluster.wait_healthy()
            self.model = Cluster.load(self.cluster.data_dir)
            self.database = Database(self.model)
            with closing(LoadGenerator(self.loadgen_binary, self.cluster.url)) as self.loadgen:
                about.setdefault("postgresql", self.database.settings())
                self.measure_all()

    def measure_all(self) -> None:
        self.step("preparing accounts and rooms", self.prepare)
        self.send("warm up", max(SENDERS), max(ROOMS), WARM_UP_SECONDS)
        if self.persisters == 1:
            self.step("PostgreSQL's own commits (pgbench)", self.measure_pgbench)
        for senders in SENDERS:
            for rooms in ROOMS:
                text = f"{self.persisters} persister(s), {senders} senders, {rooms} rooms"
                self.step(text, self.measure, senders, rooms)
        if self.persisters == 1:
            self.step("a big room and a small one", self.measure_big_room)

    def step(self, text: str, function, *arguments) -> None:
        begin = time.monotonic()
        print(f"bench: {text} ...", end="", flush=True)
        function(*arguments)
        print(f" {time.monotonic() - begin:.1f} s", flush=True)

    def prepare(self) -> None:
        self.loadgen.perform("register", group="sender", count=max(SENDERS))
        for senders in SENDERS:
            for rooms in ROOMS:
                for room, name in enumerate(room_names(senders, rooms)):
                    people = members(room, rooms, senders)
                    self.loadgen.perform("room", room=name, groups=["sender"], members=people)

    def meter(self) -> CpuMeter:
        state = self.cluster.status()
        pids = {process["name"]: process["pid"] for process in state["processes"]}
        postgres = next(o["pid"] for o in state["others"] if o["name"] == "postgres")
        return CpuMeter({**pids, "postgres": postgres})

    def send(self, _: str, senders: int, rooms: int, seconds: int) -> dict:
        names = room_names(senders, rooms)
        return self.loadgen.perform(
            "senders", group="sender", senders=senders, rooms=names, seconds=seconds
        )

    def measure(self, senders: int, rooms: int) -> None:
        cpu, machine = self.meter(), MachineLoad()
        answer = self.send("", senders, rooms, SECONDS)
        used, busy = cpu.used_ms(), machine.busy()
        name = f"{senders}_senders_{rooms}_rooms_{self.persisters}_persisters"
        messages = answer["messages"]
        self.figures.add(f"sends_per_s_{name}", messages / answer["seconds"], 1)
        self.figures.add(f"send_ms_p50_{name}", answer["latency_ms"]["p50"])
        self.figures.add(f"send_ms_p99_{name}", answer["latency_ms"]["p99"])
        postgres = used.pop("postgres")
        self.figures.add(f"cpu_ms_{name}", sum(used.values()) / messages, 4)
        self.figures.add(f"postgres_cpu_ms_{name}", postgres / messages, 4)
        self.figures.add(f"cpus_busy_{name}", busy)

    def measure_pgbench(self) -> None:
        self.database.prepare_pgbench()
        for name, script in PGBENCH_SCRIPTS.items():
            for clients in SENDERS:
                commits = self.database.pgbench(script, clients, SECONDS)
                self.figures.add(f"pgbench_{name}_per_s_{clients}", commits.per_s, 1)
                if clients == 1:
                    self.figures.add(f"{name}_ms", commits.ms)
                    self.figures.add(f"{name}_ms_p99", commits.ms_p99)
        self.database.end_pgbench()

    def measure_big_room(self) -> None:
        """What a message costs in rooms with many members and with few."""
        sizes = {"small": SMALL_ROOM_MEMBERS, "big": BIG_ROOM_MEMBERS}
        for name, count in sizes.items():
            made = self.loadgen.perform("room", room=name, groups=["sender"], members=[0])
            big_room.fill(self.database, made["room_id"], count - 1)
        # Who writes the rooms must not have them in memory as they were.
        writer = self.cluster.names("event_persister")[0]
        self.cluster.wait_restarted(writer, self.cluster.kill(writer))
        costs = {}
        for name in sizes:
            self.send_into(name, 1)
            cpu = self.meter()
            answer = self.send_into(name, SECONDS)
            costs[name] = sum(cpu.used_ms().values()) / answer["messages"]
            self.figures.add(f"cpu_and_postgres_ms_{name}_room", costs[name], 4)
            self.figures.add(f"send_ms_p50_{name}_room", answer["latency_ms"]["p50"])
        self.figures.add("big_room_cost_ratio", costs["big"] / costs["small"])

    def send_into(self, room: str, seconds: int) -> dict:
        return self.loadgen.perform(
            "senders", group="sender", senders=1, rooms=[room], seconds=seconds
        )


def room_names(senders: int, rooms: int) -> list:
    return [f"room{room}of{rooms}for{senders}" for room in range(rooms)]


def summarize(figures: report.Figures) -> None:
    """The figures that have targets: with 32 senders over 8 or more rooms, one persister; and one sender."""
    get = figures.values.__getitem__
    layouts = [f"32_senders_{rooms}_rooms_1_persisters" for rooms in ROOMS if rooms >= 8]
    busy = max(layouts, key=lambda name: get(f"cpus_busy_{name}"))
    for name, ratio in (("commits", "ratio_vs_pgbench_32"), ("messages", "ratio_vs_pgbench_messages_32")):
        figures.add(ratio, get(f"sends_per_s_{busy}") / get(f"pgbench_{name}_per_s_32"))
    figures.add("cpu_ms_per_message_32", get(f"cpu_ms_{busy}"))
    figures.add("cpus_busy_32", get(f"cpus_busy_{busy}"))
    figures.add("single_sender_ms_p99", get("send_ms_p99_1_senders_1_rooms_1_persisters"))
    for name in PGBENCH_SCRIPTS:
        for of in ("ms", "ms_p99"):
            figures.add(f"single_sender_p99_by_{name}_{of}", get("single_sender_ms_p99") / get(f"{name}_{of}"))


def tables(figures: dict, layouts: list) -> str:
    parts = []
    for persisters in layouts:
        rows = [
            ("senders, rooms", "sends/s", "p50 ms", "p99 ms", "Weft CPU ms", "PostgreSQL CPU ms", "CPUs busy")
        ]
        for senders in SENDERS:
            for rooms in ROOMS:
                name = f"{senders}_senders_{rooms}_rooms_{persisters}_persisters"
                kinds = ("sends_per_s", "send_ms_p50", "send_ms_p99", "cpu_ms", "postgres_cpu_ms", "cpus_busy")
                values = [figures[f"{kind}_{name}"] for kind in kinds]
                rows.append((f"{senders}, {rooms}", *values))
        parts.append(report.table(f"Sending with {persisters} event persister(s)", rows))
    rows = [("connections", "one row, commits/s", "a message's rows, commits/s")]
    for clients in SENDERS:
        rates = [figures[f"pgbench_{name}_per_s_{clients}"] for name in PGBENCH_SCRIPTS]
        rows.append((str(clients), *rates))
    parts.append(report.table("PostgreSQL alone (pgbench)", rows))
    rows = [("room with ... members", "CPU ms with PostgreSQL", "p50 ms")]
    for name, count in (("small", SMALL_ROOM_MEMBERS), ("big", BIG_ROOM_MEMBERS)):
        cost = figures[f"cpu_and_postgres_ms_{name}_room"]
        rows.append((str(count), cost, figures[f"send_ms_p50_{name}_room"]))
    parts.append(report.table("What a room's size costs a message", rows))
    cpu = figures["cpu_ms_per_message_32"]
    ratio = figures["ratio_vs_pgbench_32"]
    busy = figures["cpus_busy_32"]
    rows = [("figure", "value", "target", "")]
    rows.append(("ratio_vs_pgbench_32", ratio, ">= 0.5, or", met(ratio >= 0.5 or (busy >= SATURATED and cpu <= 1))))
    rows.append(("cpu_ms_per_message_32", cpu, f"<= 1 with cpus_busy_32 >= {SATURATED}", ""))
    rows.append(("cpus_busy_32", busy, "", ""))
    rows.append(("ratio_vs_pgbench_messages_32", figures["ratio_vs_pgbench_messages_32"], "", ""))
    rows.append(("single_sender_ms_p99", figures["single_sender_ms_p99"], "", ""))
    for name in PGBENCH_SCRIPTS:
        for of in ("ms", "ms_p99"):
            value = figures[f"single_sender_p99_by_{name}_{of}"]
            rows.append((f"single_sender_p99_by_{name}_{of}", value, "<= 3", met(value <= 3)))
    size = figures["big_room_cost_ratio"]
    rows.append(("big_room_cost_ratio", size, "<= 3", met(size <= 3)))
    parts.append(report.table("Targets", rows))
    return "\n".join(parts)


def met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def main() -> int:
    program = BenchProgram("persist", __doc__, "weft-loadgen")
    program.parser.add_argument(
        "--persisters", type=int, nargs="+", default=PERSISTERS, metavar="N",
        help="the first of them must be 1; default: 1 2",
    )
    options = program.parse()
    figures = report.Figures()
    about = program.about()
    with program.time_limit(SECONDS_MAX):
        for persisters in options.persisters:
            PersistBench(persisters, figures, program.binary).run(about)
    summarize(figures)
    program.tell(about, figures, tables(figures.values, options.persisters))
    return 0


if __name__ == "__main__":
    sys.exit(main())
