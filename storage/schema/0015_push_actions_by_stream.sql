-- The widest index of a table that gets a row for everybody in the room with each message. The rows of an event are found by
-- its place in the stream (event_push_actions_stream_ordering), and only the writer of the event makes them.
ALTER TABLE event_push_actions DROP CONSTRAINT IF EXISTS event_id_user_id_profile_tag_uniqueness;
