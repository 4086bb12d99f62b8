-- An index over the auth chains of rooms: which events an event builds on, without a walk along all of them. Every event
-- has a place on a chain, after the event it succeeds; an event builds on all that come before it on its chain, and on
-- what the links of these lead to. A link goes from one event to an auth event on another chain, and stands for all events
-- after the one and before the other. An event without a place is not indexed yet; what it builds on may be.
CREATE SEQUENCE event_auth_chain_id;
CREATE TABLE event_auth_chains (
    event_id        TEXT NOT NULL,
    chain_id        BIGINT NOT NULL,
    sequence_number BIGINT NOT NULL,
    CONSTRAINT event_auth_chains_pkey PRIMARY KEY (event_id)
);
CREATE UNIQUE INDEX event_auth_chains_c_seq_index ON event_auth_chains (chain_id, sequence_number);

CREATE TABLE event_auth_chain_links (
    origin_chain_id        BIGINT NOT NULL,
    origin_sequence_number BIGINT NOT NULL,
    target_chain_id        BIGINT NOT NULL,
    target_sequence_number BIGINT NOT NULL
);
CREATE INDEX event_auth_chain_links_idx ON event_auth_chain_links (origin_chain_id, target_chain_id);

-- Who names an event as authorizing it.
CREATE INDEX weft_event_auth_named ON event_auth (auth_id);

-- Work on the whole database that goes on while the server runs, with what is done of it. (background_updates is for
-- Synapse's own.)
CREATE TABLE weft_background_updates (
    update_name   TEXT NOT NULL,
    progress_json TEXT NOT NULL,
    CONSTRAINT weft_background_updates_pkey PRIMARY KEY (update_name)
);
INSERT INTO weft_background_updates (update_name, progress_json) VALUES ('auth_chain_index', '{}');
