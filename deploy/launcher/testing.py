"""`weft test`: builds, starts a PostgreSQL for the occasion, and runs CTest."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from launcher import build, postgres, scratch
from launcher.console import TOP, LauncherError, say

KINDS = ("unit", "integration", "cluster", "client")
SANITIZED = ("asan", "tsan")
#: How many lives the simulation has under a sanitizer, where each takes ten times as long.
SEEDS_SANITIZED = "40"


def run(kinds: list, preset: str, build_dir: Path, ctest_arguments: list, with_build: bool) -> int:
    """Runs the tests with these labels (none: all); CTest's exit status."""
    if with_build:
        build.build(preset, build_dir, ["all"])
    if not kinds or "client" in kinds:
        install_node_modules()
    # Those that need the machine for themselves say so (RUN_SERIAL).
    command = ["ctest", "--test-dir", str(build_dir), "-j", "2", "--output-on-failure", "--no-tests=error"]
    if kinds:
        command += ["-L", f"^({'|'.join(kinds)})$"]
    say("starting PostgreSQL for the tests")
    parent = scratch.directory()
    with postgres.throwaway(parent) as connection, tempfile.TemporaryDirectory() as reports:
        environment = {
            **({"WEFT_SEEDS": SEEDS_SANITIZED} if preset in SANITIZED else {}),
            **os.environ,
            **sanitizer_options(Path(reports)),
            "WEFT_TEST_POSTGRES": connection,
            "WEFT_TEST_SCRATCH": str(parent),
            "WEFT_BIN_DIR": str(build_dir / "bin"),
            # What the tests start is built and installed by now.
            "WEFT_SKIP_DEPS": "1",
        }
        status = subprocess.run(command + ctest_arguments, env=environment, cwd=TOP).returncode
        found = sorted(Path(reports).iterdir())
        for report in found:
            print(f"== {report.name}\n{report.read_text(errors='replace')}", flush=True)
        return status if status != 0 or not found else 1


def sanitizer_options(reports: Path) -> dict:
    """Every process of a sanitizer's build, however deep below a test, writes what it finds to a file in `reports`."""
    rules = TOP / "tests" / "sanitizers"
    reports.chmod(0o1777)
    return {
        "ASAN_OPTIONS": f"log_path={reports}/asan:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": f"log_path={reports}/ubsan:print_stacktrace=1",
        "LSAN_OPTIONS": f"suppressions={rules}/lsan.supp:print_suppressions=0",
        "TSAN_OPTIONS": f"log_path={reports}/tsan:suppressions={rules}/tsan.supp",
    }


def install_node_modules() -> None:
    """The client tests' packages as the lock file pins them; does nothing when they are there."""
    directory = TOP / "tests" / "client"
    lock, stamp = directory / "package-lock.json", directory / "node_modules" / ".weft-lock"
    if not lock.exists():
        return
    if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
        return
    say("installing the client tests' Node.js packages")
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode != 0:
        raise LauncherError(f"npm ci failed:\n{(done.stderr or done.stdout).strip()}")
    shutil.copyfile(lock, stamp)
