"""Programs that use real client libraries, run on a cluster."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Optional, Sequence

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "deploy"))

from launcher import testing  # noqa: E402
import openapi  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

DIRECTORY = TOP / "tests" / "client"

#: What a proxy says for a process that is not there.
OF_THE_PROXY = (502, 503, 504)
#: The programs have their own, shorter deadlines; this one is for a program that hangs.
SECONDS_MAX = 330


class Answers:
    """What a program was answered (answers.mjs), compared with the specification's schemas."""

    def __init__(self, directory: str, name: str):
        self.file = Path(directory) / f"{name}.jsonl"
        self.environment = {"WEFT_ANSWERS": str(self.file)}

    def check(self) -> int:
        """How many there were; raises ResponseViolation for one that the specification does not allow."""
        number = 0
        for line in self.file.read_text().splitlines():
            answer = json.loads(line)
            if answer["status"] in OF_THE_PROXY:
                continue
            openapi.check(answer["method"], answer["path"], answer["status"], answer["type"], answer["body"].encode())
            number += 1
        return number


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
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        answers = [Answers(directory.name, name) for name in names]
        variables = {**os.environ, "WEFT_URL": self.url, **(environment or {})}
        running = {
            name: self._start(name, {**variables, **recorded.environment})
            for name, recorded in zip(names, answers)
        }
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
        for recorded in answers:
            self.assertGreater(recorded.check(), 10)

    def _start(self, name: str, variables: dict) -> subprocess.Popen:
        command = ["node", str(DIRECTORY / f"{name}.mjs")]
        program = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(program.stdout.close)
        return program


def _print_lines(name: str, lines) -> None:
    for line in lines:
        print(f"{name}: {line}" if name else line, end="", flush=True)
