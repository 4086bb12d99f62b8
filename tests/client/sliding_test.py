"""Real clients (matrix-js-sdk with its SlidingSync) sync through windows on a cluster with two synchrotrons.

With WEFT_URL set, on the homeserver that it names:

    WEFT_URL=http://127.0.0.1:8008 tests/client/sliding_test.py
"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from real_clients import ClientTestCase  # noqa: E402


class SlidingSync(ClientTestCase):
    scale = "synchrotron=2,event_persister=1,client_reader=1"

    def test_two_users_of_matrix_js_sdk_sync_through_windows(self):
        self.run_programs(["sliding_test"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
