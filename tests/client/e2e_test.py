"""Real clients (matrix-js-sdk with its Rust crypto) talk in an encrypted room on a cluster.

With WEFT_URL set, on the homeserver that it names:

    WEFT_URL=http://127.0.0.1:8008 tests/client/e2e_test.py
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
SECONDS_MAX = 300


class EndToEndEncryption(ClusterTestCase):
    scale = "synchrotron=2,event_persister=1,client_reader=1"

    def setUp(self) -> None:
        testing.install_node_modules()
        self.url = os.environ.get("WEFT_URL")
        if not self.url:
            super().setUp()
            self.url = self.cluster.url

    def test_two_users_of_matrix_js_sdk_talk_encrypted(self):
        program = ["node", str(HERE / "e2e_test.mjs")]
        environment = {**os.environ, "WEFT_URL": self.url}
        done = subprocess.run(program, env=environment, timeout=SECONDS_MAX)
        self.assertEqual(done.returncode, 0, "the talk failed; its steps are above")


if __name__ == "__main__":
    unittest.main(verbosity=2)
