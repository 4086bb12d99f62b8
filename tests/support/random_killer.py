"""kill -9 of processes of a cluster at random moments, while a test goes on. WEFT_SEED replays the moments."""

import os
import random
import sys
import threading
from pathlib import Path
from typing import Optional

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "deploy"))

import weft_cluster  # noqa: E402
from launcher import probe  # noqa: E402
from launcher.cluster import Cluster  # noqa: E402
from launcher.supervisor import Supervisor  # noqa: E402
from matrix_client import wait_for  # noqa: E402

#: Seconds that a process is left alone once it is ready. With less, a client that waits between its attempts might
#: never meet a living one.
LIFE_SECONDS = (0.5, 4.0)


class RandomKiller:
    """Kills one process of each of the kinds again and again; the supervisor starts it anew. A context manager: at the
    end everything is healthy, or it raises."""

    def __init__(self, cluster: weft_cluster.Cluster, kinds: list):
        self.cluster = cluster
        self.seed = int(os.environ.get("WEFT_SEED") or random.SystemRandom().randrange(1_000_000))
        self.model = Cluster.load(cluster.data_dir)
        self.killed: dict = {kind: 0 for kind in kinds}
        self.failure: Optional[BaseException] = None
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=[kind], daemon=True) for kind in kinds]

    def __enter__(self) -> "RandomKiller":
        print(f"killing {', '.join(self.killed)} at random: WEFT_SEED={self.seed}", flush=True)
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, value, traceback) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        print(f"killed: {self.killed}, WEFT_SEED={self.seed}", flush=True)
        if kind is None:
            if self.failure is not None:
                raise AssertionError("killing failed") from self.failure
            self.cluster.wait_healthy()

    def _run(self, kind: str) -> None:
        dice = random.Random(f"{self.seed} {kind}")
        processes = [process for process in self.model.processes() if process.kind == kind]
        try:
            while not self.stopping.wait(dice.uniform(*LIFE_SECONDS)):
                self._kill(dice.choice(processes))
                self.killed[kind] += 1
        except BaseException as problem:  # told to the test at the end
            self.failure = problem

    def _kill(self, process) -> None:
        old_pid = self._pid(process)
        os.kill(old_pid, 9)

        def is_replaced() -> bool:
            return self._pid(process) not in (0, old_pid) and probe.is_ready(process.metrics)

        wait_for(f"{process.name} is back", is_replaced, seconds=60, interval=0.1)

    def _pid(self, process) -> int:
        return Supervisor(self.model).programs()[process.name]["pid"]
