"""Programs that use real client libraries, run on a cluster."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Optional, Sequence

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "deploy"))

from launcher import testing  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

DIRECTORY = TOP / "tests" / "client"

#: The programs have their own, shorter deadlines; this one is for a program that hangs.
SECONDS_MAX = 330


class ClientTestCase(ClusterTestCase):
    """A test whose clients are Node.js programs. WEFT_URL names a homeserver that runs, else there is a cluster for it."""

    def setUp(self) -> None:
        testing.install_node_modules()
        self.url = os.environ.get("WEFT_URL")
        if not self.url:
            super().setUp()
            self.url = self.cluster.url

    def run_programs(self, names: Sequence[str], environment: Optional[dict] = None) -> None:
        """Runs the programs at the same time until each has ended well; shows their lines as they come."""
        variables = {**os.environ, "WEFT_URL": self.url, **(environment or {})}
        running = {name: self._start(name, variables) for name in names}
        printers = [
            threading.Thread(target=_print_lines, args=[name if len(names) > 1 else "", program.stdout])
            for name, program in running.items()
        ]
        for printer in printers:
            printer.start()
        try:
            statuses = {name: program.wait(SECONDS_MAX) for name, program in running.items()}
        finally:
            for program in running.values():
                program.kill()
            for printer in printers:
                printer.join()
        self.assertEqual(statuses, dict.fromkeys(names, 0), "a program failed; its steps are above")

    def _start(self, name: str, variables: dict) -> subprocess.Popen:
        command = ["node", str(DIRECTORY / f"{name}.mjs")]
        program = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(program.stdout.close)
        return program


def _print_lines(name: str, lines) -> None:
    for line in lines:
        print(f"{name}: {line}" if name else line, end="", flush=True)
