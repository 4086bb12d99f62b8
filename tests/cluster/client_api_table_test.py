"""docs/client-api.md says what the binaries serve."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import client_api_table  # noqa: E402
import openapi  # noqa: E402


class ClientApiTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.table = client_api_table.load()
        cls.rows = client_api_table.served(cls.table)

    def test_the_document_is_current(self):
        self.assertEqual(
            client_api_table.DOCUMENT.read_text(),
            client_api_table.render(self.table),
            "run: python3 tests/support/client_api_table.py --write",
        )

    def test_what_is_said_not_to_be_served_is_not(self):
        known = {operation.id: operation for operation in openapi.operations()}
        for name in client_api_table.NOT_SERVED:
            self.assertIn(name, known)
            self.assertIsNone(client_api_table.row_of(known[name], self.rows), name)

    def test_operations_have_the_names_of_the_specification(self):
        for operation in openapi.operations():
            route = client_api_table.row_of(operation, self.rows)
            twice = operation.path.endswith(("/invite", "/events"))  # two operations, one path
            if route and not twice:
                self.assertEqual(route.operation, operation.id, operation.path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
