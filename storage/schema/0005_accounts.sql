-- What accounts need that Synapse 1.15 did not have yet; names as in later versions of Synapse where it has them.

-- Tokens that give a new access token. A token that was used names the one it was exchanged for.
CREATE TABLE refresh_tokens (
    id                         BIGINT NOT NULL,
    user_id                    TEXT NOT NULL,
    device_id                  TEXT NOT NULL,
    token                      TEXT NOT NULL,
    next_token_id              BIGINT,
    expiry_ts                  BIGINT,
    ultimate_session_expiry_ts BIGINT,
    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT refresh_tokens_token_key UNIQUE (token),
    CONSTRAINT refresh_tokens_next_token_id_fkey FOREIGN KEY (next_token_id) REFERENCES refresh_tokens (id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_next_token_id ON refresh_tokens (next_token_id) WHERE next_token_id IS NOT NULL;
CREATE INDEX weft_refresh_tokens_device ON refresh_tokens (user_id, device_id);
CREATE SEQUENCE weft_refresh_token_id_seq;

ALTER TABLE access_tokens ADD COLUMN refresh_token_id BIGINT REFERENCES refresh_tokens (id) ON DELETE CASCADE;
-- False until a request was made with it; only of tokens that can be refreshed.
ALTER TABLE access_tokens ADD COLUMN used BOOLEAN;
CREATE INDEX weft_access_tokens_refresh_token ON access_tokens (refresh_token_id) WHERE refresh_token_id IS NOT NULL;

-- Tokens of m.login.token: good for one login.
CREATE TABLE login_tokens (
    token     TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    expiry_ts BIGINT NOT NULL,
    used_ts   BIGINT,
    CONSTRAINT login_tokens_pkey PRIMARY KEY (token)
);
CREATE INDEX login_tokens_expiry_ts ON login_tokens (expiry_ts);

-- An administrator's means short of deactivation.
ALTER TABLE users ADD COLUMN locked BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN suspended BOOLEAN NOT NULL DEFAULT FALSE;

-- Long work of administrators (deleting a room, purging history), which goes on after a restart.
CREATE TABLE admin_tasks (
    task_id    TEXT NOT NULL,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL, -- the room
    status     TEXT NOT NULL, -- active, complete, failed
    arguments  TEXT NOT NULL, -- JSON
    progress   TEXT NOT NULL, -- JSON
    error      TEXT,
    created_ts BIGINT NOT NULL,
    updated_ts BIGINT NOT NULL,
    CONSTRAINT admin_tasks_pkey PRIMARY KEY (task_id)
);
CREATE INDEX admin_tasks_subject ON admin_tasks (subject);
CREATE INDEX admin_tasks_active ON admin_tasks (created_ts) WHERE status = 'active';

-- Removes all that tables know of a room, whatever tables there are: those with a room_id, and those of its events. Rows
-- that belong to somebody else than the room stay: key backups, what administrators decided. Returns the number of events.
CREATE FUNCTION weft_purge_room(room TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $purge$
DECLARE
    of_table RECORD;
    purged BIGINT;
BEGIN
    CREATE TEMPORARY TABLE purged_events ON COMMIT DROP AS SELECT event_id FROM events WHERE room_id = room;
    SELECT count(*) INTO purged FROM purged_events;
    DELETE FROM state_group_edges WHERE state_group IN (SELECT id FROM state_groups WHERE room_id = room);
    DELETE FROM room_alias_servers WHERE room_alias IN (SELECT room_alias FROM room_aliases WHERE room_id = room);
    FOR of_table IN
        SELECT c.table_name AS name, bool_or(c.column_name = 'room_id') AS has_room
        FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
        WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.column_name IN ('room_id', 'event_id')
            AND c.table_name NOT IN ('e2e_room_keys', 'blocked_rooms', 'group_rooms', 'group_summary_rooms', 'group_room_categories',
                'event_reports')
        GROUP BY c.table_name ORDER BY c.table_name
    LOOP
        IF of_table.has_room THEN
            EXECUTE format('DELETE FROM %I WHERE room_id = $1', of_table.name) USING room;
        ELSE
            EXECUTE format('DELETE FROM %I WHERE event_id IN (SELECT event_id FROM purged_events)', of_table.name);
        END IF;
    END LOOP;
    RETURN purged;
END
$purge$;

-- Forgets the events of a room below a depth: messages for good, state events as far as the state still needs them. With
-- with_local false only what other servers sent goes. Returns the number of events that are gone.
CREATE FUNCTION weft_purge_history(room TEXT, below BIGINT, with_local BOOLEAN, server TEXT) RETURNS BIGINT LANGUAGE plpgsql
AS $purge$
DECLARE
    of_table RECORD;
    purged BIGINT;
BEGIN
    CREATE TEMPORARY TABLE old_events ON COMMIT DROP AS
        SELECT e.event_id, s.event_id IS NOT NULL AS is_state
        FROM events AS e LEFT JOIN state_events AS s ON s.event_id = e.event_id
        WHERE e.room_id = room AND e.topological_ordering < below AND NOT e.outlier
            AND e.event_id NOT IN (SELECT event_id FROM event_forward_extremities WHERE room_id = room);
    CREATE TEMPORARY TABLE gone_events ON COMMIT DROP AS
        SELECT o.event_id FROM old_events AS o JOIN events AS e USING (event_id)
        WHERE NOT o.is_state AND (with_local OR e.sender NOT LIKE '%:' || server);
    SELECT count(*) INTO purged FROM gone_events;
    -- Where the history begins now: who pages back from here finds nothing older.
    DELETE FROM event_backward_extremities WHERE room_id = room;
    INSERT INTO event_backward_extremities (event_id, room_id)
        SELECT DISTINCT edge.prev_event_id, room FROM event_edges AS edge JOIN gone_events AS gone ON gone.event_id = edge.prev_event_id
        WHERE edge.event_id NOT IN (SELECT event_id FROM gone_events)
        ON CONFLICT DO NOTHING;
    FOR of_table IN
        SELECT c.table_name AS name
        FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
        WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.column_name = 'event_id'
            AND c.table_name NOT IN ('event_reports', 'event_backward_extremities', 'receipts_linearized', 'receipts_graph')
        GROUP BY c.table_name ORDER BY c.table_name
    LOOP
        EXECUTE format('DELETE FROM %I WHERE event_id IN (SELECT event_id FROM gone_events)', of_table.name);
    END LOOP;
    RETURN purged;
END
$purge$;
