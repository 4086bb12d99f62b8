"""A real client (matrix-js-sdk with its Rust crypto) leaves a dehydrated device behind, and finds the keys that it was sent.

With WEFT_URL set, on the homeserver that it names:

    WEFT_URL=http://127.0.0.1:8008 tests/client/dehydration_test.py
"""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from real_clients import ClientTestCase  # noqa: E402


class Dehydration(ClientTestCase):
    scale = "synchrotron=1,event_persister=1,client_reader=1"

    def test_room_keys_wait_in_a_dehydrated_device(self):
        self.run_programs(["dehydration_test"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
