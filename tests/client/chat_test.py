"""Real clients (matrix-js-sdk) chat on a cluster with one worker of each kind.

With WEFT_URL set, on the homeserver that it names:

    WEFT_URL=http://127.0.0.1:8008 tests/client/chat_test.py
"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from real_clients import ClientTestCase  # noqa: E402


class Chat(ClientTestCase):
    scale = "synchrotron=1,event_persister=1,client_reader=1"

    def test_two_users_of_matrix_js_sdk_chat(self):
        self.run_programs(["chat_test"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
