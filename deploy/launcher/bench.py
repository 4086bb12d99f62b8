"""`weft bench NAME`: benchmarks are programs in tests/bench, named NAME_bench.py or NAME_bench.cpp.

Each starts what it needs, prints a table, and writes its figures with `--json FILE`.
"""

import os
import subprocess
import sys
from pathlib import Path

from launcher import build
from launcher.console import TOP, LauncherError

DIRECTORY = TOP / "tests" / "bench"
SUFFIX = "_bench"

#: Play the other ends of connections of the benchmarks that measure a cluster.
LOAD_GENERATORS = ["weft-loadgen", "weft-replication-load"]

#: Benchmarks that need other programs than the servers and the load generator.
TARGETS = {"stateres": ["weft-stateres-load"]}


def names() -> list:
    files = [*DIRECTORY.glob(f"*{SUFFIX}.py"), *DIRECTORY.glob(f"*{SUFFIX}.cpp")]
    return sorted({file.stem[: -len(SUFFIX)] for file in files})


def run(name: str, arguments: list, preset: str, build_dir: Path, with_build: bool) -> int:
    """Builds what the benchmark measures and runs it; its exit status."""
    if name not in names():
        raise LauncherError(f"no benchmark '{name}' (there are: {', '.join(names()) or 'none'})")
    script = DIRECTORY / f"{name}{SUFFIX}.py"
    if script.exists():
        targets = TARGETS.get(name, [*build.SERVER_TARGETS, *LOAD_GENERATORS])
        command = [sys.executable, str(script)]
    else:
        targets, command = [f"bench_{name}"], [str(build_dir / "bin" / f"bench_{name}")]
    if with_build:
        build.build(preset, build_dir, targets)
    paths = [str(TOP / "tests" / "support"), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "WEFT_BIN_DIR": str(build_dir / "bin"),
        "WEFT_SKIP_DEPS": "1",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }
    return subprocess.run(command + arguments, env=environment, cwd=TOP).returncode
