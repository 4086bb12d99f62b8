"""CPU time and memory of processes, from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

# Fields of /proc/PID/stat, counted from the one after the parenthesised name.
PARENT, USER, SYSTEM, CHILD_USER, CHILD_SYSTEM, START = 1, 11, 12, 13, 14, 19


@dataclass
class Stat:
    parent: int
    cpu_ms: float  # its own and that of the children it has waited for
    start: int  # together with the ID says which process it is


def read_stat(pid: int) -> Stat:
    """Raises ProcessLookupError when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(f"process {pid} has ended") from None
    fields = text.rpartition(")")[2].split()
    ticks = sum(int(fields[i]) for i in (USER, SYSTEM, CHILD_USER, CHILD_SYSTEM))
    return Stat(int(fields[PARENT]), ticks * 1000 / TICKS_PER_SECOND, int(fields[START]))


def children_of(pid: int) -> list:
    """The IDs of the processes directly below one."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if read_stat(int(entry)).parent == pid:
                    found.append(int(entry))
            except ProcessLookupError:
                continue
    return found


def tree_cpu_ms(pid: int) -> float:
    """CPU of a process and all below it; what a child used stays counted when it has ended."""
    total = read_stat(pid).cpu_ms
    for child in children_of(pid):
        try:
            total += tree_cpu_ms(child)
        except ProcessLookupError:
            continue  # Ended just now: its parent has the figure from the next reading on.
    return total


def rss_mb(pid: int) -> float:
    """Resident memory in megabytes (10^6 bytes)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


class CpuMeter:
    """How much CPU each of some processes used since the meter was made."""

    def __init__(self, pids: dict):
        self.pids = pids  # name -> ID of the top process
        self.starts = {name: read_stat(pid).start for name, pid in pids.items()}
        self.before = self._read()

    def _read(self) -> dict:
        return {name: tree_cpu_ms(pid) for name, pid in self.pids.items()}

    def used_ms(self) -> dict:
        """name -> CPU milliseconds; raises when a process was replaced meanwhile (it crashed)."""
        for name, pid in self.pids.items():
            if read_stat(pid).start != self.starts[name]:
                raise ProcessLookupError(f"{name} was restarted during the measurement")
        return {name: now - self.before[name] for name, now in self._read().items()}


class MachineLoad:
    """How busy the machine's CPUs are from when this was made, whoever uses them."""

    def __init__(self):
        self.before = self._read()

    @staticmethod
    def _read() -> tuple:
        """(ticks used, ticks in all)"""
        fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        idle = fields[3] + fields[4]  # waiting for a disk is not being busy
        return sum(fields) - idle, sum(fields)

    def busy(self) -> float:
        """The share of all CPUs' time that was used: 0 to 1."""
        used, total = (now - before for now, before in zip(self._read(), self.before))
        return used / total if total else 0.0
