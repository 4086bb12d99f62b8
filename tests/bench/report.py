"""The figures of a benchmark: gathered under stable names, printed as tables, written as JSON."""

import datetime
import json
import os
import platform
import re
import statistics
from pathlib import Path
from typing import Optional


class Figures:
    """One flat object. Names end in their unit or quantity; CPU figures also exist by process, as
    `NAME_PROCESS`."""

    def __init__(self):
        self.values: dict = {}

    def add(self, name: str, value: float, digits: int = 3) -> None:
        assert name not in self.values, f"figure {name} twice"
        self.values[name] = round(value, digits)

    def add_quantiles(self, name: str, values: list) -> None:
        """NAME_p50 and NAME_p90 of single measurements."""
        self.add(f"{name}_p50", statistics.median(values))
        self.add(f"{name}_p90", statistics.quantiles(values, n=10)[-1])

    def add_cpu(self, name: str, cpu_ms: dict, count: float) -> None:
        """CPU per operation: by process, and under the plain name that of all Weft processes and
        PostgreSQL together (the proxy and the load generator are not ours)."""
        per_operation = {process: used / count for process, used in cpu_ms.items()}
        counted = [v for process, v in per_operation.items() if process not in NOT_COUNTED]
        self.add(name, sum(counted), 4)
        for process, value in per_operation.items():
            self.add(f"{name}_{process}", value, 4)

    def write(self, file: Path, about: dict) -> None:
        file.write_text(json.dumps({**about, **self.values}, indent=1) + "\n")


#: Measured, but not part of what a figure for "all processes" means.
NOT_COUNTED = ("haproxy", "loadgen")


def machine() -> dict:
    """What the figures depend on besides the code."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu[1] if cpu else platform.machine(),
        "cpus": os.cpu_count(),
        "memory_gb": round(int(memory[1]) * 1024 / 1e9, 1) if memory else None,
        "kernel": platform.release(),
    }


def table(title: str, rows: list) -> str:
    """Rows of (name, value, ...) as aligned text; a number is given four significant digits."""
    cells = [[cell if isinstance(cell, str) else number(cell) for cell in row] for row in rows]
    columns = max(len(row) for row in cells)
    widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(columns)]
    lines = []
    for row in cells:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join([title, "-" * len(title), *lines, ""])


def number(value: Optional[float]) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
