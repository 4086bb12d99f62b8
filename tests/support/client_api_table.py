"""docs/client-api.md: each operation of the specification and who serves it.

    python3 tests/support/client_api_table.py [--write]     # WEFT_BIN_DIR says where weft-master is

Made from the endpoint table that the binaries print and the specification's OpenAPI files, so it cannot
claim what the code does not do. `client_api_table_test.py` checks that it is current.
"""

import os
import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy"))

import openapi  # noqa: E402
from launcher import routes  # noqa: E402

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "client-api.md"

#: Operations that are not served, or not by default, and why; requests get 404 M_UNRECOGNIZED.
NOT_SERVED = {
    "getUrlPreview": "only where `url_preview_enabled` is set",
    "getUrlPreviewAuthed": "only where `url_preview_enabled` is set",
}
NOT_YET = "not implemented yet"

HEAD = """# The client-server API

Each operation of the Matrix specification v1.19, made by `tests/support/client_api_table.py --write` from the
endpoint table of the binaries and the specification's OpenAPI files; a test keeps it current.

Every process answers every request right: one that must run elsewhere is forwarded. *Preferred at* is where the
proxy sends it while there is such a worker; the master serves everything.
"""


def shape(path: str) -> str:
    """A path without the names of its parameters and with one name for `r0` and `v3`."""
    return re.sub(r"\{[^}]*\}", "{}", openapi.VERSION.sub(newest, path)).rstrip("/")


def newest(match: re.Match) -> str:
    return "/_matrix/client/" + ("v3" if match.group(1) == "r0" else match.group(1))


def served(table: list) -> dict:
    """(method, shape of the path) -> its row in the endpoint table."""
    return {(route.method, shape(route.path)): route for route in table}


def row_of(operation: openapi.Operation, rows: dict):
    return rows.get((operation.method, shape(operation.path)))


def place(route) -> str:
    return ", ".join(route.workers) if route.workers else "master"


def render(table: list) -> str:
    rows = served(table)
    groups: dict = {}
    seen = set()
    for operation in openapi.operations():
        if (operation.method, operation.path) in seen:
            continue  # described twice: POST .../invite for user IDs and for third-party identifiers
        seen.add((operation.method, operation.path))
        groups.setdefault(operation.tags[0] if operation.tags else "Other", []).append(operation)
    count = Counter(row_of(each, rows) is not None for each in sum(groups.values(), []))
    text = HEAD + f"\n{count[True]} operations are served, {count[False]} are not.\n"
    for tag, operations in groups.items():
        text += f"\n## {tag}\n\n| operation | request | preferred at |\n| --- | --- | --- |\n"
        for operation in operations:
            route = row_of(operation, rows)
            reason = NOT_SERVED.get(operation.id, NOT_YET)
            where = place(route) if route else f"— *{reason}*"
            path = operation.path + ("" if not operation.deprecated else " (deprecated)")
            text += f"| {operation.id} | `{operation.method} {path}` | {where} |\n".replace(" (deprecated)`", "` (deprecated)")
    return text


def load() -> list:
    binaries = os.environ.get("WEFT_BIN_DIR", DOCUMENT.parents[1] / "build" / "release" / "bin")
    return routes.load(Path(binaries) / "weft-master")


if __name__ == "__main__":
    made = render(load())
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(made)
    else:
        print(made, end="")
