"""Real clients (matrix-js-sdk) chat on a cluster with one worker of each kind.

With WEFT_URL set, on the homeserver that it names:

    WEFT_URL=http://127.0.0.1:8008 tests/client/chat_test.py
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


class Chat(ClusterTestCase):
    scale = "synchrotron=1,event_persister=1,client_reader=1"

    def setUp(self) -> None:
        testing.install_node_modules()
        self.url = os.environ.get("WEFT_URL")
        if not self.url:
            super().setUp()
            self.url = self.cluster.url

    def test_two_users_of_matrix_js_sdk_chat(self):
        program = ["node", str(HERE / "chat_test.mjs")]
        environment = {**os.environ, "WEFT_URL": self.url}
        done = subprocess.run(program, env=environment, timeout=SECONDS_MAX)
        self.assertEqual(done.returncode, 0, "the chat failed; its steps are above")


if __name__ == "__main__":
    unittest.main(verbosity=2)
