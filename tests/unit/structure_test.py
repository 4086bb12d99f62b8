"""What the compiler does not refuse: includes past the layers, and files that have grown too long."""

import re
import subprocess
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MAX_LINES = 500
INCLUDE = re.compile(r'^#include "weft/([a-z_]+)/', re.MULTILINE)


def links_by_folder() -> dict[str, set[str]]:
    """The table "Folders and layers" of docs/architecture.md: folder -> folders it may include."""
    found: dict[str, set[str]] = {}
    rows = re.findall(
        r"^\| `([a-z]+)/` \|[^|]*\|([^|]*)\|$",
        (TOP / "docs" / "architecture.md").read_text(),
        re.MULTILINE,
    )
    for folder, links in rows:
        named = set(re.findall(r"[a-z_]+", links.replace("workers/app", "workers")))
        found[folder] = (set(found) if "all above" in links else named & set(found)) | {folder}
    return found


def sources(folder: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder],
        cwd=TOP, capture_output=True, text=True, check=True,
    ).stdout.split()
    return [TOP / name for name in listed if name.endswith((".hpp", ".cpp")) and (TOP / name).exists()]


class Structure(unittest.TestCase):
    def test_the_table_of_layers_names_every_folder(self):
        self.assertEqual(
            {"core", "proto", "http", "storage", "replication", "handlers", "rest", "workers", "master"},
            set(links_by_folder()) - {"deploy", "tests"},
        )

    def test_no_folder_includes_what_its_row_does_not_name(self):
        wrong = []
        for folder, allowed in links_by_folder().items():
            if folder in ("tests", "deploy"):
                continue
            for path in sources(folder):
                for included in INCLUDE.findall(path.read_text()):
                    if included not in allowed:
                        wrong.append(f"{path.relative_to(TOP)} includes {included}/")
        self.assertEqual(wrong, [])

    def test_no_source_file_is_too_long(self):
        long_files = []
        for folder in set(links_by_folder()) - {"tests"}:
            for path in sources(folder):
                lines = path.read_text().count("\n")
                if lines > MAX_LINES:
                    long_files.append(f"{path.relative_to(TOP)}: {lines} lines")
        self.assertEqual(long_files, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
