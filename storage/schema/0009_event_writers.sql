-- Several processes may write events, each the rooms that its share of a hash gives it.

-- Who writes, and which share. A lease is valid until it is replaced; every transaction that stores events checks its own.
-- Shares change under an exclusive lock of this table, which waits for transactions that have looked at it: what was stored
-- under the old shares is committed then, and nothing more will be.
CREATE TABLE event_writers (
    instance_name TEXT NOT NULL,
    tag           INTEGER NOT NULL,  -- what stands for it in rows and in clients' tokens
    lease         BIGINT NOT NULL,
    holder        TEXT NOT NULL,     -- the process that has the name now
    shard         INTEGER,           -- its rooms: hash modulo the number of shards; NULL: none
    address       TEXT NOT NULL,     -- where it answers calls: HOST PORT, or a unix socket's path
    CONSTRAINT event_writers_pkey PRIMARY KEY (instance_name),
    CONSTRAINT event_writers_tag_key UNIQUE (tag),
    CONSTRAINT event_writers_lease_key UNIQUE (lease),
    CONSTRAINT event_writers_shard_key UNIQUE (shard) DEFERRABLE INITIALLY DEFERRED
);
CREATE SEQUENCE event_writer_lease_seq;

-- Fails the statement it stands in.
CREATE FUNCTION weft_event_lease_lost() RETURNS INTEGER LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RAISE EXCEPTION 'the lease to write events was replaced' USING ERRCODE = 'WF001';
END
$$;

-- Tokens of the events stream, and by its tag who wrote them: NULL in rows from before.
CREATE SEQUENCE events_stream_seq;
ALTER TABLE events ADD COLUMN writer_tag INTEGER;
ALTER TABLE current_state_delta_stream ADD COLUMN writer_tag INTEGER;
