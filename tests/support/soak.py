"""The fault soak: a real cluster, clients that write to all streams, and everything that can go wrong with connections
and processes; at the end each process must have applied each row once, in order."""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "deploy"))

import soak_check  # noqa: E402
import soak_plan  # noqa: E402
import weft_cluster  # noqa: E402
from faulty_proxy import FaultyProxy  # noqa: E402
from launcher.cluster import Cluster, pick_free_port  # noqa: E402
from launcher.supervisor import Supervisor  # noqa: E402
from matrix_client import wait_for  # noqa: E402
from replication_tap import replication_address  # noqa: E402
from soak_writers import SoakWriter  # noqa: E402

SCALE = "synchrotron=2,event_persister={event_persisters},client_reader=1"
WRITERS = 4
SETTLE_SECONDS = 90
CONFIG = {
    **weft_cluster.UNLIMITED_RATES,
    "log": {"level": "warning", "format": "text"},
}


class Soak:
    """`transport` is tcp or redis. Where `keep` is a directory, what the processes logged and applied is left there
    after a failure."""

    def __init__(
        self, seconds: float, seed: int, transport: str = "tcp", faults_per_s: float = 4.0, keep=None, event_persisters=1
    ):
        self.seconds = seconds
        self.seed = seed
        self.transport = transport
        self.faults_per_s = faults_per_s
        self.keep = keep
        self.scale = SCALE.format(event_persisters=event_persisters)
        self.faults: dict = {}  # kind -> how many
        self.skipped = 0  # there was nothing to do them to
        self.paused: dict = {}  # process ID -> when it goes on
        self.proxy = None
        self.writers: list = []

    def run(self) -> dict:
        """The figures; what is wrong is printed line by line."""
        print(f"soak: seed {self.seed}, {self.seconds:.0f} s, {self.transport}", flush=True)
        try:
            self.start_cluster()
            plan = soak_plan.make_plan(self.seed, self.seconds, self.faults_per_s, self.victims)
            print(f"soak: {len(plan)} faults are planned ({soak_plan.digest(plan)})", flush=True)
            self.start_writers()
            self.carry_out(plan)
            self.settle()
            verdict = soak_check.check(self.model, self.row_files())
            figures = self.figures(verdict)
            if verdict.lost or verdict.duplicated or verdict.out_of_order:
                self.keep_files()
            return figures
        except BaseException:
            print(self.cluster.logs(), file=sys.stderr)
            self.keep_files()
            raise
        finally:
            self.stop()

    # Set-up and end

    def start_cluster(self) -> None:
        on_redis = self.transport == "redis"
        self.cluster = weft_cluster.Cluster(self.scale, CONFIG, ("--redis",) if on_redis else ())
        if on_redis:
            listen = str(self.cluster.base / "proxy.sock")
            config = {**CONFIG, "redis": {"enabled": True, "path": listen}}
        else:
            listen = "127.0.0.1", pick_free_port(set())
            config = {**CONFIG, "worker_replication_port": listen[1]}
        self.cluster.config_file.write_text(json.dumps(config))
        self.proxy = FaultyProxy(listen, self.upstream).start()
        self.rows = self.cluster.base / "rows"
        self.rows.mkdir()
        os.environ["WEFT_ROW_LOG"] = str(self.rows / "{name}")
        try:
            self.cluster.start()
        finally:
            del os.environ["WEFT_ROW_LOG"]
        self.model = Cluster.load(self.cluster.data_dir)
        self.names = [process.name for process in self.model.processes()]
        self.victims = self.names + (["redis"] if on_redis else [])
        self.cluster.wait_healthy()

    def upstream(self):
        if self.transport == "redis":
            return str(Cluster.load(self.cluster.data_dir).redis_socket)
        return replication_address(self.cluster.data_dir)

    def start_writers(self) -> None:
        clients = [self.cluster.register(f"writer{i}") for i in range(WRITERS)]
        for i, client in enumerate(clients):
            room_id = client.create_room(preset="public_chat")
            friend = clients[(i + 1) % WRITERS]
            friend.join(room_id)
            dice = random.Random(self.seed * 1000 + i)
            self.writers.append(SoakWriter(client.sibling(), room_id, friend.user_id, dice).start())

    def settle(self) -> None:
        """Nothing goes wrong any more; until everything that was written has arrived everywhere."""
        self.let_go_on(float("inf"))
        self.proxy.calm_down()
        for writer in self.writers:
            writer.stop()
        sizes: list = []

        def quiet() -> bool:
            sizes.append(sum(file.stat().st_size for file in self.rows.iterdir()))
            return len(sizes) > 3 and len(set(sizes[-3:])) == 1

        self.cluster.wait_healthy(SETTLE_SECONDS)
        wait_for("no row is applied any more", quiet, SETTLE_SECONDS, interval=0.2)
        self.cluster.wait_healthy(SETTLE_SECONDS)

    def stop(self) -> None:
        self.let_go_on(float("inf"))
        for writer in self.writers:
            writer.stopping.set()
        self.cluster.stop()
        if self.proxy:
            self.proxy.stop()

    def row_files(self) -> dict:
        return {name: self.rows / name for name in self.names}

    def keep_files(self) -> None:
        if self.keep:
            self.keep.mkdir(parents=True, exist_ok=True)
            for file in [*self.rows.iterdir(), *(self.cluster.data_dir / "logs").glob("*.log")]:
                (self.keep / file.name).write_bytes(file.read_bytes())

    # Faults

    def carry_out(self, plan: list) -> None:
        begin = time.monotonic()
        for fault in plan:
            while (left := begin + fault.at - time.monotonic()) > 0:
                time.sleep(min(left, 0.05))
                self.let_go_on(time.monotonic())
            if self.happen(fault):
                self.faults[fault.kind] = self.faults.get(fault.kind, 0) + 1
            else:
                self.skipped += 1

    def happen(self, fault: soak_plan.Fault) -> bool:
        if fault.kind == "cut":
            return self.proxy.cut(fault.place)
        if fault.kind == "stall":
            return self.proxy.stall(fault.place, fault.direction, fault.amount)
        if fault.kind == "delay":
            return self.proxy.delay(fault.place, fault.direction, fault.amount)
        if fault.kind == "split":
            return self.proxy.split(fault.place, fault.direction, int(fault.amount))
        if fault.kind == "overtake":
            return self.proxy.overtake(fault.place, fault.amount)
        return self.happen_to_process(fault)

    def happen_to_process(self, fault: soak_plan.Fault) -> bool:
        program = Supervisor(self.model).programs()[fault.process]
        pid = program["pid"]
        if not pid or pid in self.paused or program["now"] - program["start"] < soak_plan.LIFE_SECONDS_MIN / 2:
            return False
        if fault.kind == "kill":
            return _send(pid, signal.SIGKILL)
        if fault.kind == "stop":
            return _send(pid, signal.SIGTERM)
        self.paused[pid] = time.monotonic() + fault.amount
        return _send(pid, signal.SIGSTOP)

    def let_go_on(self, now: float) -> None:
        for pid, until in list(self.paused.items()):
            if until <= now:
                del self.paused[pid]
                _send(pid, signal.SIGCONT)

    # The result

    def figures(self, verdict: soak_check.Verdict) -> dict:
        for what in ("lost", "duplicated", "out_of_order"):
            for line in getattr(verdict, what)[:20]:
                print(f"soak: {what}: {line}", file=sys.stderr)
        return {
            "seed": self.seed,
            "transport": self.transport,
            "scale": self.scale,
            "seconds": round(self.seconds),
            "faults": sum(self.faults.values()),
            "faults_by_kind": self.faults,
            "faults_skipped": self.skipped,
            "process_lives": verdict.lives,
            "requests_answered": sum(writer.done for writer in self.writers),
            "rows_written": verdict.rows_written,
            "rows_lost": len(verdict.lost),
            "rows_duplicated": len(verdict.duplicated),
            "rows_out_of_order": len(verdict.out_of_order),
        }


def _send(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
