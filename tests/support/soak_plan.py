"""What will go wrong in a soak, and when: made from the seed alone, so that a seed replays the same faults."""

import hashlib
import random
from typing import NamedTuple, Sequence

#: kind -> how often, relative to the others. The first five happen to a connection, the others to a process.
CONNECTION_FAULTS = {"cut": 6, "stall": 5, "delay": 3, "split": 3, "overtake": 3}
PROCESS_FAULTS = {"kill": 2, "stop": 1, "pause": 2}

#: Seconds that a process lives at least, or the supervisor would take it for one that cannot start.
LIFE_SECONDS_MIN = 3.0
#: Longer than a silent connection is kept (25 s).
LONG_STALL_SECONDS = 27.0


class Fault(NamedTuple):
    at: float  # seconds after the beginning
    kind: str
    place: float  # 0 to 1: which of the connections that are open, in the order of their age
    direction: str  # up (to the master or Redis), down or both
    process: str
    amount: float  # seconds, or the size of pieces in bytes


def make_plan(seed: int, seconds: float, faults_per_s: float, processes: Sequence[str]) -> list:
    """Faults in the order of their time."""
    dice = random.Random(seed)
    weights = {**CONNECTION_FAULTS, **PROCESS_FAULTS}
    ended: dict = {}  # process -> when it was killed or stopped last
    plan = []
    at = dice.expovariate(faults_per_s)
    while at < seconds:
        kind = dice.choices(list(weights), list(weights.values()))[0]
        process = dice.choice(processes)
        fault = Fault(
            round(at, 3), kind, dice.random(), dice.choice(("up", "down", "both")), process, _amount(kind, dice)
        )
        at += dice.expovariate(faults_per_s)
        if kind in ("kill", "stop"):
            if fault.at - ended.get(process, 0) < LIFE_SECONDS_MIN:
                continue
            ended[process] = fault.at
        plan.append(fault)
    return plan


def digest(plan: list) -> str:
    """Tells two plans apart at a glance."""
    return hashlib.sha256(repr(plan).encode()).hexdigest()[:12]


def _amount(kind: str, dice: random.Random) -> float:
    if kind == "stall":
        return LONG_STALL_SECONDS if dice.random() < 0.01 else dice.uniform(0.05, 1.5)
    if kind == "delay":
        return dice.choice((0, 0.01, 0.05, 0.2))
    if kind == "split":
        return dice.choice((0, 1, 7, 100))
    if kind == "overtake":
        return dice.uniform(0.3, 1.5)
    return dice.uniform(0.1, 2.0) if kind == "pause" else 0
