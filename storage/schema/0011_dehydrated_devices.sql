-- A device that a user keeps on the server while none is logged in, to be given room keys (MSC3814). As in Synapse 1.22 and later.
CREATE TABLE dehydrated_devices (
    user_id     TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    device_data TEXT NOT NULL,  -- JSON of the client's making
    CONSTRAINT dehydrated_devices_pkey PRIMARY KEY (user_id)
);
