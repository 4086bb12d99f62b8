-- What Weft adds to Synapse's tables. Nothing here changes the meaning of those.

-- Which event a client's transaction ID became, so that a repeated PUT gets the first answer.
CREATE TABLE event_txn_id (
    event_id    TEXT NOT NULL,
    room_id     TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    txn_id      TEXT NOT NULL,
    inserted_ts BIGINT NOT NULL,
    CONSTRAINT event_txn_id_event_id_key UNIQUE (event_id),
    CONSTRAINT event_txn_id_uniqueness UNIQUE (user_id, device_id, room_id, txn_id)
);
CREATE INDEX event_txn_id_inserted_ts ON event_txn_id (inserted_ts);

-- Tokens that allow registration (m.login.registration_token).
CREATE TABLE registration_tokens (
    token        TEXT NOT NULL,
    uses_allowed INTEGER,
    pending      INTEGER NOT NULL DEFAULT 0,
    completed    INTEGER NOT NULL DEFAULT 0,
    expiry_time  BIGINT,
    CONSTRAINT registration_tokens_pkey PRIMARY KEY (token)
);

-- IDs that Synapse counts in the memory of one process. The migration runner raises them above what is in the tables.
CREATE SEQUENCE weft_access_token_id_seq;
CREATE SEQUENCE weft_push_rule_id_seq;
CREATE SEQUENCE weft_push_rule_enable_id_seq;

-- Catch-up reads a stream by token across all users; Synapse's indexes begin with the user.
CREATE INDEX weft_account_data_stream ON account_data (stream_id);
CREATE INDEX weft_room_account_data_stream ON room_account_data (stream_id);
CREATE INDEX weft_room_tags_revisions_stream ON room_tags_revisions (stream_id);
CREATE INDEX weft_local_invites_stream ON local_invites (stream_id);
-- The newest token of each instance, and its rows, without reading those of others.
CREATE INDEX weft_cache_invalidation_instance ON cache_invalidation_stream_by_instance (instance_name, stream_id);
-- User names are unique without regard to case.
CREATE INDEX weft_users_lower_name ON users (lower(name));
-- Members of a room by membership, without a look at the rows.
CREATE INDEX weft_current_state_members ON current_state_events (room_id, membership, state_key)
    WHERE type = 'm.room.member';
-- Unread counts of all members of a room at once.
CREATE INDEX weft_event_push_actions_room ON event_push_actions (room_id, user_id, stream_ordering)
    INCLUDE (notif, highlight);
CREATE INDEX weft_event_push_summary_room ON event_push_summary (room_id);
