"""The fault soak, and a short run of it; `weft bench soak` makes long ones. WEFT_SEED replays one."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests" / "support"), str(TOP / "deploy")]

import soak_check  # noqa: E402
import soak_plan  # noqa: E402
from applied_rows import read_lives  # noqa: E402
from soak import Soak  # noqa: E402

SECONDS = 15
DEFAULT_SEED = 1


class Check(unittest.TestCase):
    """What the verdict rests on."""

    def lives(self, text: str) -> list:
        with tempfile.NamedTemporaryFile("w", suffix=".rows") as file:
            file.write(text)
            file.flush()
            return read_lives(Path(file.name))

    def life(self, *rows: str):
        """Rows as `STREAM TOKEN TEXT`, after a start at position 10 of each stream."""
        start = "# start 1\n# position events master 10\n# position to_device master 10\n"
        (life,) = self.lives(start + "".join(f"1 {row.replace(' ', ' master ', 1)}\n" for row in rows))
        return life

    def missing(self, life, is_last: bool) -> list:
        tokens = {("events", ""): {9, 11, 12, 13}, ("to_device", ""): {11, 12}}
        written = {("to_device", "master", 11): {"[1]"}, ("to_device", "master", 12): {"[1]"}}
        return soak_check.missing(tokens, written, life, is_last)

    def test_lives_begin_with_a_start_and_half_a_line_does_not_count(self):
        lives = self.lives("# start 1\n5 events master 11 [1]\n# start 2\n6 events master 12 [2]\n7 events ma")
        self.assertEqual([[row.token for row in life.rows] for life in lives], [[11], [12]])

    def test_a_row_that_was_passed_over_is_lost(self):
        life = self.life("events 11 [1]", "events 13 [1]", "to_device 12 [1]")
        self.assertEqual(self.missing(life, is_last=False), ["events  12"])

    def test_rows_at_the_end_are_lost_only_to_a_process_that_lives(self):
        life = self.life("events 11 [1]", "to_device 12 [1]")
        self.assertEqual(self.missing(life, is_last=False), [])
        self.assertEqual(self.missing(life, is_last=True), ["events  12", "events  13"])

    def test_news_that_were_told_again_later_are_not_lost(self):
        told = self.life("events 11 [1]", "events 12 [1]", "events 13 [1]", "to_device 12 [1]")
        self.assertEqual(self.missing(told, is_last=True), [])
        untold = self.life("events 11 [1]", "events 12 [1]", "events 13 [1]", "to_device 12 [2]")
        self.assertEqual(self.missing(untold, is_last=True), ["to_device  11"])

    def test_a_token_with_half_of_its_rows_is_lost(self):
        written = soak_check.all_rows([self.life("events 11 [1]", "events 11 [2]")])
        self.assertEqual(
            soak_check.incomplete(written, self.life("events 11 [2]")), ["events master 11: without 1 of its rows"]
        )

    def test_a_row_applied_again_is_a_duplicate(self):
        name = "events master 11"
        self.assertEqual(soak_check.order(self.life("events 11 [1]", "events 11 [2]")), ([], []))
        self.assertEqual(soak_check.order(self.life("events 11 [1]", "events 11 [1]")), ([name], []))
        self.assertEqual(soak_check.order(self.life("events 11 [1]", "events 12 [1]", "events 11 [1]")), ([name], []))

    def test_a_row_after_a_newer_one_is_out_of_order(self):
        self.assertEqual(
            soak_check.order(self.life("events 12 [1]", "to_device 11 [1]", "events 11 [1]")), ([], ["events master 11"])
        )


class Plan(unittest.TestCase):
    def test_a_seed_replays_its_faults(self):
        def plan(seed: int) -> list:
            return soak_plan.make_plan(seed, 60, 4.0, ["master", "redis"])

        self.assertEqual(plan(7), plan(7))
        self.assertNotEqual(plan(7), plan(8))
        kinds = {**soak_plan.CONNECTION_FAULTS, **soak_plan.PROCESS_FAULTS}
        self.assertEqual({fault.kind for fault in plan(7)}, set(kinds))


class FaultSoak(unittest.TestCase):
    def test_no_row_is_lost_duplicated_or_out_of_order(self):
        seed = int(os.environ.get("WEFT_SEED") or DEFAULT_SEED)
        transport = "redis" if os.environ.get("WEFT_TEST_ON_REDIS") else "tcp"
        figures = Soak(SECONDS, seed, transport).run()
        print(figures, flush=True)
        self.assertEqual(figures["rows_lost"], 0, f"WEFT_SEED={seed}")
        self.assertEqual(figures["rows_duplicated"], 0, f"WEFT_SEED={seed}")
        self.assertEqual(figures["rows_out_of_order"], 0, f"WEFT_SEED={seed}")
        self.assertGreater(figures["faults"], SECONDS)
        self.assertGreater(figures["rows_written"], SECONDS * 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
