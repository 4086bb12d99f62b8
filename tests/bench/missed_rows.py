"""Rows that are written straight into the database while no process looks."""

import subprocess

from launcher import postgres
from launcher.cluster import Cluster

#: stream -> the statement that adds `count` rows of the master. Those of events come after token `last`: all their
#: writers take tokens from one sequence, so what one announced lies behind the next token of any other.
SQL_OF_MISSED_ROWS = {
    "events": """
        WITH last AS (SELECT GREATEST(max(stream_ordering), {last}) AS token FROM events)
        INSERT INTO events (stream_ordering, topological_ordering, event_id, type, room_id, content, processed,
                            outlier, depth, origin_server_ts, received_ts, sender, contains_url)
        SELECT last.token + n, n, '$bench' || n || ':localhost', 'm.room.message', '!bench:localhost', '{{}}', true,
               false, n, 0, 0, '@bench:localhost', false
        FROM last, generate_series(1, {count}) AS n
    """,
    "caches": """
        INSERT INTO cache_invalidation_stream_by_instance (stream_id, instance_name, cache_func, keys, invalidation_ts)
        SELECT nextval('cache_invalidation_stream_seq'), 'master', 'get_user_by_id',
               ARRAY['@bench' || n || ':localhost'], 0
        FROM generate_series(1, {count}) AS n
    """,
}


def run_sql(cluster: Cluster, sql: str) -> str:
    command = [postgres.program("psql"), "-h", str(cluster.postgres_socket_dir), "-U", postgres.SUPERUSER]
    command += ["-d", postgres.DATABASE, "-XqtAc", sql]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"psql: {done.stderr}")
    return done.stdout.strip()
