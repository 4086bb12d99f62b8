"""Real clients (matrix-js-sdk with its Rust crypto) talk in an encrypted room on a cluster.

With WEFT_URL set, on the homeserver that it names:

    WEFT_URL=http://127.0.0.1:8008 tests/client/e2e_test.py
"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from real_clients import ClientTestCase  # noqa: E402


class EndToEndEncryption(ClientTestCase):
    scale = "synchrotron=2,event_persister=1,client_reader=1"

    def test_two_users_of_matrix_js_sdk_talk_encrypted(self):
        self.run_programs(["e2e_test"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
