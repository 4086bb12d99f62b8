"""`weft bench presence`: what ten thousand people cost who come, fall idle and go.

A private cluster. The people are told to the real master as a synchrotron tells of its users, by USER_SYNC on a
replication connection; some of them share a room with clients that wait in /sync. What is measured and how,
docs/benchmarks.md says.
"""

import socket
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE), str(TOP / "tests" / "support"), str(TOP / "deploy")]

import bulk_rooms  # noqa: E402
import report  # noqa: E402
import weft_cluster  # noqa: E402
from bench_program import BenchProgram, running  # noqa: E402
from loadgen_process import LoadGenerator  # noqa: E402
from matrix_client import Client, wait_for  # noqa: E402
from processes import CpuMeter, rss_mb  # noqa: E402
from replication_tap import replication_address  # noqa: E402

SCALE = "synchrotron=1,event_persister=1,client_reader=1"
SECONDS_MAX = 170

PEOPLE = 10_000
CHANGES_PER_S = 1_000
#: Of the people, so many share a room with all who wait.
NEIGHBOURS = 400
WAITING = 100
#: The presence writer's: an online user who does nothing for so long is idle; who syncs nowhere for so long is offline.
IDLE_MS = 300_000
#: From when people come until they fall idle: the time to measure the former.
ONLINE_MS = 20_000
#: Of the answers, only presence.
FILTER = '{"room":{"rooms":[]},"account_data":{"types":[]},"presence":{}}'


class Synchrotron:
    """The replication connection of a process at which people sync; counts the rows of presence it is told."""

    INSTANCE = "presencebench"

    def __init__(self, data_dir: Path):
        self.told = {"online": 0, "unavailable": 0, "offline": 0}
        self.socket = socket.create_connection(replication_address(data_dir))
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        self.send("NAME presence_bench\nREPLICATE streams=presence\n")

    def send(self, lines: str) -> None:
        self.socket.sendall(lines.encode())

    def tell(self, state: str, users: list, sync_ms) -> None:
        """USER_SYNC for each, CHANGES_PER_S of them a second; `sync_ms` of the time now, in ms."""
        begin = time.monotonic()
        for number, user_id in enumerate(users):
            early = begin + number / CHANGES_PER_S - time.monotonic()
            if early > 0.005:
                time.sleep(early)
            self.send(f"USER_SYNC {self.INSTANCE} {user_id} {state} {sync_ms(int(time.time() * 1000))}\n")

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(timeout=10)
        self.socket.close()

    def _read(self) -> None:
        for line in self.socket.makefile("r", encoding="ascii", newline="\n"):
            if line.startswith("RDATA presence ") and "@person" in line:
                state = next((state for state in self.told if f'"{state}"' in line), None)
                if state:
                    self.told[state] += 1


class Waiter:
    """A client that waits in /sync again and again; counts how often it is woken."""

    def __init__(self, url: str, user_id: str, token: str):
        self.client = Client(url, user_id, token)
        self.woken = 0
        self.events = 0
        self.stopping = False
        self.failure = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            since = ""
            while not self.stopping:
                path = f"/_matrix/client/v3/sync?timeout=30000&set_presence=offline&filter={quote(FILTER)}{since}"
                answer = self.client.request("GET", path)
                since = f"&since={quote(answer['next_batch'])}"
                told = len(answer.get("presence", {}).get("events", []))
                self.woken += told > 0
                self.events += told
        except Exception as problem:  # told by `PresenceBench.check`
            self.failure = problem


class PresenceBench:
    def __init__(self, cluster: weft_cluster.Cluster, loadgen_binary: Path):
        self.cluster = cluster
        self.loadgen_binary = loadgen_binary
        self.figures = report.Figures()
        self.waiters: list = []

    def run(self) -> None:
        self.step(f"{PEOPLE} accounts, {NEIGHBOURS + WAITING} of them in one room", self.prepare)
        self.step(f"{WAITING} clients begin to wait", self.begin_to_wait)
        began = time.monotonic()
        self.step(f"{PEOPLE} people come", self.measure, "online", self.come)
        late = began + ONLINE_MS / 1000 - time.monotonic()
        if late <= 0:
            raise RuntimeError("the machine is too busy: the first have fallen idle before the last had come")
        self.step("they fall idle", self.measure, "unavailable", lambda: None)
        self.step("they go", self.measure, "offline", self.go)

    def step(self, text: str, function, *arguments) -> None:
        begin = time.monotonic()
        print(f"bench: {text} ...", end="", flush=True)
        function(*arguments)
        print(f" {time.monotonic() - begin:.1f} s", flush=True)

    # Phases

    def prepare(self) -> None:
        self.cluster.wait_healthy()
        sql = bulk_rooms.Sql(self.cluster.data_dir)
        self.people = bulk_rooms.add_accounts(sql, "localhost", "person", PEOPLE)
        self.watchers = bulk_rooms.add_accounts(sql, "localhost", "watcher", WAITING)
        loadgen = LoadGenerator(self.loadgen_binary, self.cluster.url)
        try:
            loadgen.perform("adopt", group="watcher", users=self.watchers)
            loadgen.perform("adopt", group="neighbour", users=self.people[:NEIGHBOURS])
            loadgen.perform("room", room="square", groups=["watcher", "neighbour"])
        finally:
            loadgen.close()
        # Neighbours are spread over the whole, so that each second brings some.
        users = [user_id for user_id, _ in self.people]
        near, far = users[:NEIGHBOURS], users[NEIGHBOURS:]
        every = len(far) // NEIGHBOURS
        self.users = []
        for number, user_id in enumerate(near):
            self.users += [user_id, *far[number * every : (number + 1) * every]]
        self.users += far[NEIGHBOURS * every :]

    def begin_to_wait(self) -> None:
        self.waiters = [Waiter(self.cluster.url, *account) for account in self.watchers]
        for waiter in self.waiters:
            waiter.thread.start()
        self.synchrotron = Synchrotron(self.cluster.data_dir)
        processes = self.cluster.wait_healthy()
        self.pids = {name: process["pid"] for name, process in processes.items()}
        self.pids["postgres"] = self.cluster.service_pid("postgres")
        self.rss_before = {name: rss_mb(self.pids[name]) for name in ("master", "synchrotron1")}

    def come(self) -> None:
        self.synchrotron.tell("start", self.users, lambda now: now - IDLE_MS + ONLINE_MS)

    def go(self) -> None:
        self.synchrotron.tell("end", self.users, lambda now: now - IDLE_MS)

    def measure(self, state: str, act) -> None:
        """Until the master has told of everybody in that state."""
        cpu = CpuMeter(self.pids)
        woken = sum(waiter.woken for waiter in self.waiters)
        begin = time.monotonic()
        act()
        acted = time.monotonic()
        wait_for(f"everybody is {state}", lambda: self.synchrotron.told[state] >= PEOPLE, 60, interval=0.02)
        seconds = time.monotonic() - begin
        self.check()
        self.figures.add_cpu(f"cpu_ms_per_{state}", cpu.used_ms(), PEOPLE)
        woken = sum(waiter.woken for waiter in self.waiters) - woken
        self.figures.add(f"wakes_per_client_per_s_{state}", woken / WAITING / seconds)
        if state != "unavailable":
            self.figures.add(f"told_after_last_ms_{state}", (time.monotonic() - acted) * 1000, 0)
        if state == "online":
            for name, before in self.rss_before.items():
                growth = (rss_mb(self.pids[name]) - before) * 1e6 / 1024
                self.figures.add(f"kib_per_online_user_{name}", growth / PEOPLE)

    def check(self) -> None:
        for waiter in self.waiters:
            if waiter.failure is not None:
                raise RuntimeError("a waiting client failed") from waiter.failure

    def close(self) -> None:
        for waiter in self.waiters:
            waiter.stopping = True


def tables(values: dict) -> str:
    states = ("online", "unavailable", "offline")
    rows = [("CPU ms a change", *states)]
    prefix = "cpu_ms_per_online"
    for name in [key for key in values if key.startswith(prefix)]:
        process = name[len(prefix) + 1 :] or "all but haproxy"
        rows.append((process, *[values[name.replace("online", state, 1)] for state in states]))
    parts = [report.table(f"{PEOPLE} people, {CHANGES_PER_S} changes a second", rows)]
    rest = [(name, value) for name, value in values.items() if not name.startswith("cpu_ms")]
    parts.append(report.table("Others", rest))
    return "\n".join(parts)


def main() -> int:
    program = BenchProgram("presence", __doc__, "weft-loadgen")
    program.parse()
    cluster = weft_cluster.Cluster(SCALE, weft_cluster.UNLIMITED_RATES)
    with program.time_limit(SECONDS_MAX), running(cluster):
        with closing(PresenceBench(cluster, program.binary)) as bench:
            bench.run()
    program.tell(program.about(), bench.figures, tables(bench.figures.values))
    return 0


if __name__ == "__main__":
    sys.exit(main())
