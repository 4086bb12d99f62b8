-- Takes back the last thing that happened in rooms which the recorded scenario ended with the last member's leaving. No
-- server may send into such a room, and rooms of versions 1 to 4 are all of that kind.
CREATE TEMPORARY TABLE emptied AS
    SELECT f.room_id, f.event_id AS leaving, e.prev_event_id AS before, g.state_group, s.state_key AS user_id
    FROM event_forward_extremities f
    JOIN state_events s ON s.event_id = f.event_id AND s.type = 'm.room.member'
    JOIN event_edges e ON e.event_id = f.event_id
    JOIN event_to_state_groups g ON g.event_id = e.prev_event_id
    WHERE f.room_id NOT IN (SELECT room_id FROM current_state_events);
WITH RECURSIVE chain(room_id, state_group, distance) AS (
    SELECT room_id, state_group, 0 FROM emptied
    UNION ALL
    SELECT room_id, prev_state_group, distance + 1 FROM chain JOIN state_group_edges USING (state_group)
)
INSERT INTO current_state_events (event_id, room_id, type, state_key, membership)
    SELECT DISTINCT ON (room_id, type, state_key) event_id, room_id, type, state_key,
        (SELECT m.membership FROM room_memberships m WHERE m.event_id = s.event_id)
    FROM chain JOIN state_groups_state s USING (room_id, state_group)
    ORDER BY room_id, type, state_key, distance;
UPDATE local_current_membership l SET event_id = c.event_id, membership = c.membership
    FROM emptied JOIN current_state_events c ON c.room_id = emptied.room_id AND c.state_key = emptied.user_id
    WHERE l.room_id = emptied.room_id AND l.user_id = emptied.user_id AND c.type = 'm.room.member';
UPDATE room_memberships m SET forgotten = 0 FROM emptied WHERE m.room_id = emptied.room_id;
UPDATE event_forward_extremities f SET event_id = before FROM emptied WHERE f.event_id = leaving;
DELETE FROM current_state_delta_stream d USING emptied, events e
    WHERE e.event_id = leaving AND d.room_id = emptied.room_id AND d.stream_id = e.stream_ordering;
DELETE FROM stream_ordering_to_exterm x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_edges x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_auth x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_to_state_groups x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_reference_hashes x USING emptied WHERE x.event_id = leaving;
DELETE FROM state_events x USING emptied WHERE x.event_id = leaving;
DELETE FROM room_memberships x USING emptied WHERE x.event_id = leaving;
DELETE FROM event_json x USING emptied WHERE x.event_id = leaving;
DELETE FROM events x USING emptied WHERE x.event_id = leaving;
