-- Threads, reports, delayed events and sliding sync: what reading rooms needs beside Synapse 1.15's tables.

-- The threads of a room, newest answer first. As in Synapse 1.70 and later.
CREATE TABLE threads (
    room_id              TEXT NOT NULL,
    thread_id            TEXT NOT NULL,
    latest_event_id      TEXT NOT NULL,
    topological_ordering BIGINT NOT NULL,
    stream_ordering      BIGINT NOT NULL,
    CONSTRAINT threads_uniqueness UNIQUE (room_id, thread_id)
);
CREATE INDEX threads_ordering_idx ON threads (room_id, topological_ordering, stream_ordering);
INSERT INTO threads (room_id, thread_id, latest_event_id, topological_ordering, stream_ordering)
SELECT DISTINCT ON (e.room_id, r.relates_to_id) e.room_id, r.relates_to_id, e.event_id, e.topological_ordering,
       e.stream_ordering
FROM event_relations AS r JOIN events AS e ON e.event_id = r.event_id
WHERE r.relation_type = 'm.thread' AND NOT e.outlier
ORDER BY e.room_id, r.relates_to_id, e.topological_ordering DESC, e.stream_ordering DESC;

-- Receipts and notifications by thread. NULL: of the whole room, and in the main timeline.
ALTER TABLE receipts_linearized ADD COLUMN thread_id TEXT;
ALTER TABLE receipts_linearized DROP CONSTRAINT receipts_linearized_uniqueness;
CREATE UNIQUE INDEX weft_receipts_linearized_uniqueness
    ON receipts_linearized (room_id, receipt_type, user_id, COALESCE(thread_id, ''));
ALTER TABLE event_push_actions ADD COLUMN thread_id TEXT;

-- The event that is closest to a time.
CREATE INDEX weft_events_room_ts ON events (room_id, origin_server_ts, stream_ordering);

-- What users report. IDs of event_reports are counted in memory by Synapse; the migration runner raises the sequence.
CREATE SEQUENCE weft_event_report_id_seq;
CREATE TABLE room_reports (
    id          BIGSERIAL PRIMARY KEY,
    received_ts BIGINT NOT NULL,
    room_id     TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    reason      TEXT NOT NULL
);
CREATE TABLE user_reports (
    id             BIGSERIAL PRIMARY KEY,
    received_ts    BIGINT NOT NULL,
    target_user_id TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    reason         TEXT NOT NULL
);
CREATE INDEX user_reports_target ON user_reports (target_user_id);

-- Events that are to be sent later (MSC4140).
CREATE TABLE weft_delayed_events (
    delay_id      TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    device_id     TEXT NOT NULL,
    room_id       TEXT NOT NULL,
    event_type    TEXT NOT NULL,
    state_key     TEXT,
    content       TEXT NOT NULL,
    txn_id        TEXT,
    delay_ms      BIGINT NOT NULL,
    running_since BIGINT NOT NULL,
    send_ts       BIGINT NOT NULL,
    CONSTRAINT weft_delayed_events_pkey PRIMARY KEY (delay_id)
);
CREATE INDEX weft_delayed_events_send_ts ON weft_delayed_events (send_ts);
CREATE INDEX weft_delayed_events_user ON weft_delayed_events (user_id);
CREATE UNIQUE INDEX weft_delayed_events_txn ON weft_delayed_events (user_id, device_id, room_id, txn_id);

-- What the client at the other end of a sliding sync connection has been sent: one row a position it may show.
CREATE TABLE weft_sliding_sync_positions (
    position_id BIGSERIAL PRIMARY KEY,
    user_id     TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    conn_id     TEXT NOT NULL,
    created_ts  BIGINT NOT NULL,
    state       TEXT NOT NULL
);
CREATE INDEX weft_sliding_sync_positions_connection ON weft_sliding_sync_positions (user_id, device_id, conn_id);
CREATE INDEX weft_sliding_sync_positions_created ON weft_sliding_sync_positions (created_ts);

-- Unread counts by thread without a look at the rows.
DROP INDEX weft_event_push_actions_room;
CREATE INDEX weft_event_push_actions_room ON event_push_actions (room_id, user_id, stream_ordering)
    INCLUDE (notif, highlight, thread_id);
