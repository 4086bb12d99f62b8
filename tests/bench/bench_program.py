"""What all benchmark programs have in common: options, a time limit, a cluster that is stopped however it ends, the report."""

import argparse
import os
import shlex
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import report
import weft_cluster


def interrupt(*_) -> None:
    raise KeyboardInterrupt


class BenchProgram:
    def __init__(self, name: str, description: str, binary: str = ""):
        """`binary`: the program that it needs besides Weft's own."""
        self.name = name
        self.binary_name = binary
        self.parser = argparse.ArgumentParser(description=description)
        self.parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
        self.parser.add_argument("--build-dir", type=Path, metavar="DIR", help="default: as WEFT_BIN_DIR says")

    def parse(self) -> argparse.Namespace:
        """The options. Ends the program if the binary was not built."""
        self.options = self.parser.parse_args()
        if self.options.build_dir:
            os.environ["WEFT_BIN_DIR"] = str(self.options.build_dir.resolve() / "bin")
        self.build_dir = weft_cluster.build_dir()
        self.binary = self.build_dir / "bin" / self.binary_name
        if not self.binary.exists():
            sys.exit(f"{self.binary} is not built (./weft build {self.binary_name})")
        return self.options

    @contextmanager
    def time_limit(self, seconds: int) -> Iterator[None]:
        """What takes longer ends with an exception, and so does what is asked to terminate."""

        def out_of_time(*_) -> None:
            raise TimeoutError(f"the benchmark took longer than {seconds} s")

        signal.signal(signal.SIGALRM, out_of_time)
        signal.signal(signal.SIGTERM, interrupt)
        signal.alarm(seconds)
        try:
            yield
        finally:
            signal.alarm(0)

    def about(self, **more) -> dict:
        return {
            "benchmark": self.name,
            "command": shlex.join(["weft", "bench", self.name]),
            **report.machine(),
            "build_type": weft_cluster.build_setting("CMAKE_BUILD_TYPE") or "unknown",
            **more,
        }

    def tell(self, about: dict, figures: report.Figures, tables: str) -> None:
        print()
        print("\n".join(f"{name}: {value}" for name, value in about.items()), end="\n\n")
        print(tables)
        if self.options.json:
            figures.write(self.options.json, about)


@contextmanager
def running(cluster: weft_cluster.Cluster) -> Iterator[weft_cluster.Cluster]:
    """Starts a cluster and stops it; its logs are printed if what is done with it fails."""
    try:
        cluster.start()
        yield cluster
    except BaseException:
        print(cluster.logs(), file=sys.stderr)
        raise
    finally:
        cluster.stop()
