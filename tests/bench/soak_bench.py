"""`weft bench soak`: a long fault soak. Exits with 1 if a row was lost, applied twice or out of order."""

import argparse
import json
import random
import signal
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import report  # noqa: E402
from bench_program import interrupt  # noqa: E402
from soak import Soak  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long faults happen (default 10)")
    parser.add_argument("--seed", type=int, help="replays the faults of an earlier run; default: a new one")
    parser.add_argument("--redis", action="store_true", help="replication by Redis instead of the master's TCP port")
    parser.add_argument("--faults-per-s", type=float, default=4.0, metavar="RATE")
    parser.add_argument("--event-persisters", type=int, default=1, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="after a failure: logs, and the rows applied")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupt)  # the cluster is stopped all the same
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    transport = "redis" if options.redis else "tcp"
    soak = Soak(
        options.minutes * 60, seed, transport, options.faults_per_s, options.keep, options.event_persisters
    )
    figures = soak.run()
    figures = {"benchmark": "soak", **report.machine(), **figures}
    print(json.dumps(figures, indent=1))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    wrong = figures["rows_lost"] + figures["rows_duplicated"] + figures["rows_out_of_order"]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
