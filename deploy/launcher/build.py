"""Builds Weft with CMake, quietly: one line of progress, the whole output in a log."""

import os
import re
import subprocess
import sys
from pathlib import Path

from launcher.cluster import DEFAULT_SCALE, Process
from launcher.console import TOP, LauncherError, last_lines, say

#: What `weft up` needs of a build.
SERVER_TARGETS = [Process(kind, kind).binary for kind in ["master", *DEFAULT_SCALE]]
#: Run by the servers that make thumbnails, from the directory they are in.
SERVER_TARGETS.append("weft-thumbnailer")

STEP = re.compile(r"^\[(\d+)/(\d+)\]")


def default_build_dir(preset: str) -> Path:
    return TOP / "build" / preset


def build(preset: str, build_dir: Path, targets: list) -> None:
    """Configures (once) and builds; raises with the end of the log when that fails."""
    build_dir.mkdir(parents=True, exist_ok=True)
    log = build_dir / "weft-build.log"
    with log.open("w") as output:
        if not (build_dir / "build.ninja").exists():
            say(f"configuring {build_dir}")
            run(["cmake", "--preset", preset, "-B", str(build_dir)], log, output)
        command = ["cmake", "--build", str(build_dir), "--target", *targets]
        run(command, log, output)


def run(command: list, log: Path, output) -> None:
    process = subprocess.Popen(
        command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    progress = Progress(log)
    for line in process.stdout:
        output.write(line)
        progress.line(line)
    progress.end()
    if process.wait() != 0:
        output.flush()
        raise LauncherError(f"{' '.join(command)} failed; {log} ends:\n{last_lines(log, 60)}")


class Progress:
    """Follows Ninja's [n/m]: redrawn in place on a terminal, else a line at every tenth."""

    def __init__(self, log: Path):
        self.log = log
        self.terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.tenth = 0
        self.drawn = False

    def line(self, text: str) -> None:
        step = STEP.match(text)
        if not step:
            return
        done, total = int(step[1]), int(step[2])
        if self.terminal:
            print(f"\rweft: building {done}/{total} (log: {self.log})\033[K", end="", flush=True)
            self.drawn = True
        elif total >= 10 and done * 10 // total > self.tenth:
            self.tenth = done * 10 // total
            say(f"building {done}/{total} (log: {self.log})")

    def end(self) -> None:
        if self.drawn:
            print()
