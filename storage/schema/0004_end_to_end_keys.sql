-- Tables of end-to-end encryption that Synapse 1.15 does not have yet.

-- A key an algorithm that is handed out when a device has no one-time keys left. As in Synapse 1.22 and later.
CREATE TABLE e2e_fallback_keys_json (
    user_id   TEXT NOT NULL,
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id    TEXT NOT NULL,
    key_json  TEXT NOT NULL,
    used      BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT e2e_fallback_keys_json_uniqueness UNIQUE (user_id, device_id, algorithm)
);

-- Transactions of PUT /sendToDevice that have been done, so that a repeated one does nothing. They expire.
CREATE TABLE to_device_txn (
    user_id     TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    event_type  TEXT NOT NULL,
    txn_id      TEXT NOT NULL,
    inserted_ts BIGINT NOT NULL,
    CONSTRAINT to_device_txn_pkey PRIMARY KEY (user_id, device_id, event_type, txn_id)
);
CREATE INDEX to_device_txn_inserted_ts ON to_device_txn (inserted_ts);

-- One-time keys are claimed in the order in which they were uploaded.
CREATE INDEX weft_e2e_one_time_keys_order
    ON e2e_one_time_keys_json (user_id, device_id, algorithm, ts_added_ms, key_id);
