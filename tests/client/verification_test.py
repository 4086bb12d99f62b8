"""Real clients (matrix-js-sdk with its Rust crypto) verify each other, and read on while every worker is killed.

With WEFT_URL set, on the homeserver that it names (and nobody is killed):

    WEFT_URL=http://127.0.0.1:8008 tests/client/verification_test.py
"""

import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(TOP / "tests" / "support"), str(TOP / "deploy")]

from launcher import testing  # noqa: E402
from weft_cluster import ClusterTestCase  # noqa: E402

#: The program has its own, shorter deadline; this one is for a program that hangs.
SECONDS_MAX = 330


class Verification(ClusterTestCase):
    scale = "synchrotron=2,event_persister=1,client_reader=1"

    def setUp(self) -> None:
        testing.install_node_modules()
        self.url = os.environ.get("WEFT_URL")
        self.is_ours = not self.url
        if self.is_ours:
            super().setUp()
            self.url = self.cluster.url

    def test_devices_verify_each_other_and_survive_their_servers(self):
        environment = {**os.environ, "WEFT_URL": self.url}
        if self.is_ours:
            environment["WEFT_RESTARTS"] = "1"
        program = subprocess.Popen(
            ["node", str(HERE / "verification_test.mjs")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with program:
            for line in program.stdout:
                if line == "restart every worker\n":
                    self.kill_every_worker()
                    program.stdin.write("restarted\n")
                    program.stdin.flush()
                else:
                    print(line, end="", flush=True)
            status = program.wait(SECONDS_MAX)
        self.assertEqual(status, 0, "the clients failed; their steps are above")

    def kill_every_worker(self) -> None:
        for name, process in self.cluster.processes().items():
            if process["kind"] != "master":
                pid = self.cluster.kill(name)
                self.cluster.wait_restarted(name, pid)
        self.cluster.wait_healthy()


if __name__ == "__main__":
    unittest.main(verbosity=2)
