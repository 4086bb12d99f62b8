"""`weft bench stateres`: what it costs to resolve the state of a room that has forked.

A private PostgreSQL, and `weft-stateres-load`, which makes the rooms and measures. What is measured and
how, docs/benchmarks.md says.
"""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(HERE), str(TOP / "tests" / "support"), str(TOP / "deploy")]

import report  # noqa: E402
from bench_program import BenchProgram  # noqa: E402
from launcher import postgres  # noqa: E402

SECONDS_MAX = 240
SIZES = ("1k", "10k", "100k")
FORKS = (2, 5, 20)

#: figure -> the most that it should be.
TARGETS = {"cpu_ms_100k_fork10": 20, "queries_100k_fork10": 10}


def measure(binary: Path) -> dict:
    with postgres.throwaway() as connection:
        host = dict(word.split("=", 1) for word in connection.split())["host"]
        postgres.run(
            [postgres.program("createdb"), "-h", host, "-U", "weft", "-T", "template0", "bench"],
            "createdb",
        )
        command = [str(binary), "--database", f"host={host} user=weft dbname=bench"]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, timeout=SECONDS_MAX, check=True
        )
    return json.loads(done.stdout)


def tables(figures: dict) -> str:
    parts = []
    for size in SIZES:
        rows = [("extremities", "CPU ms", "ms", "queries", "rows read")]
        for forks in FORKS:
            case = f"{size}_fork10_x{forks}"
            kinds = ("cpu_ms", "wall_ms", "queries", "rows")
            rows.append((str(forks), *(figures[f"{kind}_{case}"] for kind in kinds)))
        parts.append(report.table(f"room of {size} state events, 10 events on each branch", rows))
    targets = [
        (name, figures[name], f"(at most {most})", "" if figures[name] <= most else "MISSED")
        for name, most in TARGETS.items()
    ]
    parts.append(report.table("targets", targets))
    return "\n".join(parts)


def main() -> int:
    program = BenchProgram("stateres", __doc__, "weft-stateres-load")
    program.parse()
    measured = measure(program.binary)
    # The headline: two extremities of the largest room.
    for kind in ("cpu_ms", "queries"):
        measured[f"{kind}_100k_fork10"] = measured[f"{kind}_100k_fork10_x2"]
    figures = report.Figures()
    for name, value in measured.items():
        figures.add(name, value)
    indexed = f"events indexed per second: {figures.values['index_events_per_s']:.0f}"
    program.tell(program.about(), figures, tables(figures.values) + "\n" + indexed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
