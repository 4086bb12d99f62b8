"""`weft db adopt`: what it says of databases that are as Synapse left them, and of such that are not."""

import contextlib
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import synapse_fixture  # noqa: E402

from launcher import postgres  # noqa: E402

CAN_BE_ADOPTED, NOT_CHECKED, PROBLEMS = 0, 1, 3


class DbAdopt(unittest.TestCase):
    server: str
    synapse: synapse_fixture.Database

    @classmethod
    def setUpClass(cls) -> None:
        resources = contextlib.ExitStack()
        cls.addClassCleanup(resources.close)
        cls.server = resources.enter_context(postgres.throwaway())
        cls.synapse = synapse_fixture.Database(cls.server, "synapse")
        cls.synapse.load_as_synapse_left_it()

    def changed(self, *statements: str) -> synapse_fixture.Database:
        """A copy of Synapse's database in which something is different."""
        copy = self.synapse.copy(self._testMethodName)
        for statement in statements:
            copy.sql(statement)
        return copy

    def adopt(self, database: synapse_fixture.Database, status: int, *options: str) -> str:
        return self.adopt_url(database.url, status, *options)

    def adopt_url(self, url: str, status: int, *options: str) -> str:
        done = subprocess.run(
            [str(synapse_fixture.TOP / "weft"), "db", "adopt", "--database", url, *options],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "WEFT_SKIP_DEPS": "1"},
        )
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_a_database_of_synapse_can_be_adopted_and_the_additions_are_listed(self):
        before = self.synapse.sql("SELECT count(*) FROM pg_class")
        output = self.adopt(self.synapse, CAN_BE_ADOPTED)
        for line in (
            "ok: encoding UTF8",
            "ok: collation C",
            "ok: ctype C",
            "ok: schema version 58",
            "ok: no pending background updates",
            "will change: new table weft_schema_migrations",
            "will change: new table event_txn_id",
            "will change: new index weft_account_data_stream on account_data",
            "will change: new sequence weft_access_token_id_seq",
            "will change: new column profiles.fields",
            "will change: no more ev_extrem_id",
            "will change: no more event_id_user_id_profile_tag_uniqueness",
        ):
            self.assertIn(line, output)
        self.assertIn("35 users are of localhost:8800", output)
        self.assertNotIn("no more weft_", output)  # what is ours is nobody's concern
        self.assertNotIn("problem:", output)
        self.assertNotIn("warning:", output)
        self.assertEqual(self.synapse.sql("SELECT count(*) FROM pg_class"), before)

    def test_a_server_name_that_is_not_the_users_is_a_problem(self):
        self.adopt(self.synapse, CAN_BE_ADOPTED, "--server-name", "localhost:8800")
        output = self.adopt(self.synapse, PROBLEMS, "--server-name", "localhost")
        self.assertIn("problem: 35 users are not of localhost, for one @", output)

    def test_users_of_two_servers_are_a_problem(self):
        mixed = self.changed("INSERT INTO users (name) VALUES ('@eve:elsewhere')")
        output = self.adopt(mixed, PROBLEMS)
        self.assertIn("1 users are not of localhost:8800, for one @eve:elsewhere", output)

    def test_another_schema_version_is_a_problem(self):
        newer = self.changed("UPDATE schema_version SET version = 59")
        self.assertIn("version 59, Weft knows version 58 only", self.adopt(newer, PROBLEMS))
        newer.sql("UPDATE schema_version SET version = 57")
        self.assertIn("run a Synapse of 1.13 to 1.15 on it first", self.adopt(newer, PROBLEMS))

    def test_a_table_that_a_later_synapse_dropped_is_a_problem(self):
        later = self.changed("DROP TABLE local_invites", "ALTER TABLE pushers DROP COLUMN lang")
        output = self.adopt(later, PROBLEMS)
        self.assertIn("the column pushers.lang, the table local_invites; not here", output)

    def test_pending_background_updates_are_a_problem(self):
        pending = self.changed(
            "INSERT INTO background_updates (update_name, progress_json)"
            " VALUES ('current_state_events_membership', '{}')"
        )
        output = self.adopt(pending, PROBLEMS)
        self.assertIn("not finished: current_state_events_membership", output)

    def test_sequences_that_are_behind_will_be_raised(self):
        behind = self.changed("SELECT setval('state_group_id_seq', 3)")
        output = self.adopt(behind, CAN_BE_ADOPTED)
        self.assertIn("will change: state_group_id_seq is at 3, state_groups goes up to 204", output)
        self.assertIn("ok: cache_invalidation_stream_seq", output)

    def test_a_room_of_an_experimental_version_is_a_warning(self):
        odd = self.changed("UPDATE rooms SET room_version = 'org.example.x' WHERE room_version = '6'")
        output = self.adopt(odd, CAN_BE_ADOPTED)
        self.assertIn("warning: 2 rooms are of the experimental version org.example.x", output)

    def test_another_collation_is_a_warning(self):
        locale = "C.UTF-8"
        unsorted = synapse_fixture.Database(self.server, "other_locale", locale)
        unsorted.load_as_synapse_left_it()
        output = self.adopt(unsorted, CAN_BE_ADOPTED)
        self.assertIn(f"warning: the collation is {locale}, not C", output)
        self.assertIn(f"warning: the ctype is {locale}, not C", output)

    def test_another_encoding_is_a_problem(self):
        latin = synapse_fixture.Database(self.server, "latin", encoding="LATIN1")
        self.assertIn("problem: the encoding is LATIN1", self.adopt(latin, PROBLEMS))

    def test_a_database_without_synapses_tables_is_a_problem(self):
        empty = synapse_fixture.Database(self.server, "empty")
        self.assertIn("no tables of Synapse's", self.adopt(empty, PROBLEMS))

    def test_a_database_that_is_not_there_cannot_be_checked(self):
        url = self.synapse.url.replace("/synapse?", "/nowhere?")
        self.assertIn("nowhere", self.adopt_url(url, NOT_CHECKED))


if __name__ == "__main__":
    unittest.main(verbosity=2)
