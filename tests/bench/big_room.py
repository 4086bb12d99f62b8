"""Fills a room with members without their joining one by one: rows as a persister would write them."""

from launcher.postgres import DATABASE

#: Members of other servers, as those of most big rooms are. Each gets an event, a place in the room's
#: current state and in its newest state group.
FILL = """
WITH room AS (
    SELECT f.room_id, g.state_group, e.depth FROM event_forward_extremities f
    JOIN event_to_state_groups g ON g.event_id = f.event_id JOIN events e ON e.event_id = f.event_id
    WHERE f.room_id = '{room_id}'
), member AS (
    SELECT '@weaver' || i || ':elsewhere.example' AS user_id,
           '$member' || i || '_' || md5('{room_id}') AS event_id,
           (SELECT min(stream_ordering) FROM events) - i AS stream_ordering
    FROM generate_series(1, {count}) AS i
), stored AS (
    INSERT INTO events (stream_ordering, topological_ordering, depth, event_id, room_id, type,
                        processed, outlier, origin_server_ts, received_ts, sender, contains_url)
    SELECT stream_ordering, 1, 1, event_id, room_id, 'm.room.member', true, false, 1, 1, user_id, false
    FROM member, room
), bodies AS (
    INSERT INTO event_json (event_id, room_id, internal_metadata, json, format_version)
    SELECT event_id, room_id, '{{}}', json_build_object(
        'type', 'm.room.member', 'room_id', room_id, 'sender', user_id, 'state_key', user_id,
        'content', json_build_object('membership', 'join', 'displayname', 'Weaver ' || user_id),
        'depth', 1, 'prev_events', '[]'::json, 'auth_events', '[]'::json, 'origin_server_ts', 1,
        'hashes', json_build_object('sha256', 'x'), 'signatures', '{{}}'::json), 3
    FROM member, room
), keys AS (
    INSERT INTO state_events (event_id, room_id, type, state_key)
    SELECT event_id, room_id, 'm.room.member', user_id FROM member, room
), memberships AS (
    INSERT INTO room_memberships (event_id, user_id, sender, room_id, membership, forgotten)
    SELECT event_id, user_id, user_id, room_id, 'join', 0 FROM member, room
), current AS (
    INSERT INTO current_state_events (event_id, room_id, type, state_key, membership)
    SELECT event_id, room_id, 'm.room.member', user_id, 'join' FROM member, room
)
INSERT INTO state_groups_state (state_group, room_id, type, state_key, event_id)
SELECT state_group, room_id, 'm.room.member', user_id, event_id FROM member, room;
"""


def fill(database, room_id: str, count: int) -> None:
    """Adds members to a room that no process has in memory, or will have after its next start."""
    database.query(FILL.format(room_id=room_id, count=count), DATABASE)
