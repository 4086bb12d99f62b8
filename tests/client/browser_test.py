"""Somebody uses a web client (Hydrogen) in Chromium on a cluster; a screenshot is kept.

With WEFT_URL set, on the homeserver that it names:

    WEFT_URL=http://127.0.0.1:8008 tests/client/browser_test.py

The screenshot is `browser.png` in WEFT_ARTIFACTS, else in `artifacts` beside the binaries' directory.
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(TOP / "tests" / "support"), str(TOP / "deploy")]

import weft_cluster  # noqa: E402
from launcher import testing  # noqa: E402
from real_clients import Answers  # noqa: E402

#: The program has its own, shorter deadline; this one is for a program that hangs.
SECONDS_MAX = 240


class Browser(weft_cluster.ClusterTestCase):
    scale = "synchrotron=1,event_persister=1,client_reader=1,media=1"

    def setUp(self) -> None:
        testing.install_node_modules()
        self.url = os.environ.get("WEFT_URL")
        if not self.url:
            super().setUp()
            self.url = self.cluster.url

    def test_a_web_client_works_in_a_browser(self):
        artifacts = Path(os.environ.get("WEFT_ARTIFACTS", weft_cluster.build_dir() / "artifacts"))
        with tempfile.TemporaryDirectory() as directory:
            answers = Answers(directory, "browser")
            self.use_the_web_client(artifacts, answers.environment)
            self.assertGreater(answers.check(), 10)
        self.assertGreater((artifacts / "browser.png").stat().st_size, 10_000)

    def use_the_web_client(self, artifacts: Path, environment: dict) -> None:
        environment = {**os.environ, **environment, "WEFT_URL": self.url, "WEFT_ARTIFACTS": str(artifacts)}
        (artifacts / "browser.png").unlink(missing_ok=True)
        done = subprocess.run(
            ["node", str(HERE / "browser_test.mjs")], env=environment, timeout=SECONDS_MAX
        )
        self.assertEqual(done.returncode, 0, "the client failed; its steps are above")


if __name__ == "__main__":
    unittest.main(verbosity=2)
