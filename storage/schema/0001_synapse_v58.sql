-- The schema of Synapse, version 58 (Synapse 1.13 to 1.19), as far as names, types, defaults, constraints and indexes go:
-- databases of either server can be read by the other. One table a block, in alphabetical order; each with its indexes.
-- JSON is kept as TEXT, times are milliseconds since the epoch unless a column says otherwise.

CREATE SEQUENCE cache_invalidation_stream_seq;

CREATE SEQUENCE state_group_id_seq;

CREATE TABLE access_tokens (
    id             BIGINT NOT NULL,
    user_id        TEXT NOT NULL,
    device_id      TEXT,
    token          TEXT NOT NULL,
    last_used      BIGINT,
    valid_until_ms BIGINT,
    CONSTRAINT access_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT access_tokens_token_key UNIQUE (token)
);
CREATE INDEX access_tokens_device_id ON access_tokens (user_id, device_id);

CREATE TABLE account_data (
    user_id           TEXT NOT NULL,
    account_data_type TEXT NOT NULL,
    stream_id         BIGINT NOT NULL,
    content           TEXT NOT NULL,
    CONSTRAINT account_data_uniqueness UNIQUE (user_id, account_data_type)
);
CREATE INDEX account_data_stream_id ON account_data (user_id, stream_id);

CREATE TABLE account_data_max_stream_id (
    lock      CHAR(1) NOT NULL DEFAULT 'X',
    stream_id BIGINT NOT NULL,
    CONSTRAINT private_user_data_max_stream_id_lock_check CHECK (lock = 'X'),
    CONSTRAINT private_user_data_max_stream_id_lock_key UNIQUE (lock)
);

CREATE TABLE account_validity (
    user_id          TEXT NOT NULL,
    expiration_ts_ms BIGINT NOT NULL,
    email_sent       BOOLEAN NOT NULL,
    renewal_token    TEXT,
    CONSTRAINT account_validity_pkey PRIMARY KEY (user_id)
);

CREATE TABLE application_services_state (
    as_id    TEXT NOT NULL,
    state    VARCHAR,
    last_txn INTEGER,
    CONSTRAINT application_services_state_pkey PRIMARY KEY (as_id)
);

CREATE TABLE application_services_txns (
    as_id     TEXT NOT NULL,
    txn_id    INTEGER NOT NULL,
    event_ids TEXT NOT NULL,
    CONSTRAINT application_services_txns_as_id_txn_id_key UNIQUE (as_id, txn_id)
);
CREATE INDEX application_services_txns_id ON application_services_txns (as_id);

CREATE TABLE applied_module_schemas (
    module_name TEXT NOT NULL,
    file        TEXT NOT NULL,
    CONSTRAINT applied_module_schemas_module_name_file_key UNIQUE (module_name, file)
);

CREATE TABLE applied_schema_deltas (
    version INTEGER NOT NULL,
    file    TEXT NOT NULL,
    CONSTRAINT applied_schema_deltas_version_file_key UNIQUE (version, file)
);

CREATE TABLE appservice_room_list (
    appservice_id TEXT NOT NULL,
    network_id    TEXT NOT NULL,
    room_id       TEXT NOT NULL
);
CREATE UNIQUE INDEX appservice_room_list_idx ON appservice_room_list (appservice_id, network_id, room_id);

CREATE TABLE appservice_stream_position (
    lock            CHAR(1) NOT NULL DEFAULT 'X',
    stream_ordering BIGINT,
    CONSTRAINT appservice_stream_position_lock_check CHECK (lock = 'X'),
    CONSTRAINT appservice_stream_position_lock_key UNIQUE (lock)
);

CREATE TABLE background_updates (
    update_name   TEXT NOT NULL,
    progress_json TEXT NOT NULL,
    depends_on    TEXT,
    ordering      INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT background_updates_uniqueness UNIQUE (update_name)
);

CREATE TABLE blocked_rooms (
    room_id TEXT NOT NULL,
    user_id TEXT NOT NULL
);
CREATE UNIQUE INDEX blocked_rooms_idx ON blocked_rooms (room_id);

CREATE TABLE cache_invalidation_stream (
    stream_id       BIGINT,
    cache_func      TEXT,
    keys            TEXT[],
    invalidation_ts BIGINT
);
CREATE INDEX cache_invalidation_stream_id ON cache_invalidation_stream (stream_id);

CREATE TABLE cache_invalidation_stream_by_instance (
    stream_id       BIGINT NOT NULL,
    instance_name   TEXT NOT NULL,
    cache_func      TEXT NOT NULL,
    keys            TEXT[],
    invalidation_ts BIGINT
);
CREATE UNIQUE INDEX cache_invalidation_stream_by_instance_id ON cache_invalidation_stream_by_instance (stream_id);

CREATE TABLE current_state_delta_stream (
    stream_id     BIGINT NOT NULL,
    room_id       TEXT NOT NULL,
    type          TEXT NOT NULL,
    state_key     TEXT NOT NULL,
    event_id      TEXT,
    prev_event_id TEXT
);
CREATE INDEX current_state_delta_stream_idx ON current_state_delta_stream (stream_id);

CREATE TABLE current_state_events (
    event_id   TEXT NOT NULL,
    room_id    TEXT NOT NULL,
    type       TEXT NOT NULL,
    state_key  TEXT NOT NULL,
    membership TEXT,
    CONSTRAINT current_state_events_event_id_key UNIQUE (event_id),
    CONSTRAINT current_state_events_room_id_type_state_key_key UNIQUE (room_id, type, state_key)
);
CREATE INDEX current_state_events_member_index ON current_state_events (state_key) WHERE (type = 'm.room.member');

CREATE TABLE deleted_pushers (
    stream_id BIGINT NOT NULL,
    app_id    TEXT NOT NULL,
    pushkey   TEXT NOT NULL,
    user_id   TEXT NOT NULL
);
CREATE INDEX deleted_pushers_stream_id ON deleted_pushers (stream_id);

CREATE TABLE destinations (
    destination    TEXT NOT NULL,
    retry_last_ts  BIGINT,
    retry_interval BIGINT,
    failure_ts     BIGINT,
    CONSTRAINT destinations_pkey PRIMARY KEY (destination)
);

CREATE TABLE device_federation_inbox (
    origin      TEXT NOT NULL,
    message_id  TEXT NOT NULL,
    received_ts BIGINT NOT NULL
);
CREATE INDEX device_federation_inbox_sender_id ON device_federation_inbox (origin, message_id);

CREATE TABLE device_federation_outbox (
    destination   TEXT NOT NULL,
    stream_id     BIGINT NOT NULL,
    queued_ts     BIGINT NOT NULL,
    messages_json TEXT NOT NULL
);
CREATE INDEX device_federation_outbox_destination_id ON device_federation_outbox (destination, stream_id);
CREATE INDEX device_federation_outbox_id ON device_federation_outbox (stream_id);

CREATE TABLE device_inbox (
    user_id      TEXT NOT NULL,
    device_id    TEXT NOT NULL,
    stream_id    BIGINT NOT NULL,
    message_json TEXT NOT NULL
);
CREATE INDEX device_inbox_stream_id_user_id ON device_inbox (stream_id, user_id);
CREATE INDEX device_inbox_user_stream_id ON device_inbox (user_id, device_id, stream_id);

CREATE TABLE device_lists_outbound_last_success (
    destination TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    stream_id   BIGINT NOT NULL
);
CREATE UNIQUE INDEX device_lists_outbound_last_success_unique_idx
    ON device_lists_outbound_last_success (destination, user_id);

CREATE TABLE device_lists_outbound_pokes (
    destination         TEXT NOT NULL,
    stream_id           BIGINT NOT NULL,
    user_id             TEXT NOT NULL,
    device_id           TEXT NOT NULL,
    sent                BOOLEAN NOT NULL,
    ts                  BIGINT NOT NULL,
    opentracing_context TEXT
);
CREATE INDEX device_lists_outbound_pokes_id ON device_lists_outbound_pokes (destination, stream_id);
CREATE INDEX device_lists_outbound_pokes_stream ON device_lists_outbound_pokes (stream_id);
CREATE INDEX device_lists_outbound_pokes_user ON device_lists_outbound_pokes (destination, user_id);

CREATE TABLE device_lists_remote_cache (
    user_id   TEXT NOT NULL,
    device_id TEXT NOT NULL,
    content   TEXT NOT NULL
);
CREATE UNIQUE INDEX device_lists_remote_cache_unique_id ON device_lists_remote_cache (user_id, device_id);

CREATE TABLE device_lists_remote_extremeties (
    user_id   TEXT NOT NULL,
    stream_id TEXT NOT NULL
);
CREATE UNIQUE INDEX device_lists_remote_extremeties_unique_idx ON device_lists_remote_extremeties (user_id);

CREATE TABLE device_lists_remote_resync (
    user_id  TEXT NOT NULL,
    added_ts BIGINT NOT NULL
);
CREATE UNIQUE INDEX device_lists_remote_resync_idx ON device_lists_remote_resync (user_id);
CREATE INDEX device_lists_remote_resync_ts_idx ON device_lists_remote_resync (added_ts);

CREATE TABLE device_lists_stream (
    stream_id BIGINT NOT NULL,
    user_id   TEXT NOT NULL,
    device_id TEXT NOT NULL
);
CREATE INDEX device_lists_stream_id ON device_lists_stream (stream_id, user_id);
CREATE INDEX device_lists_stream_user_id ON device_lists_stream (user_id, device_id);

CREATE TABLE device_max_stream_id (
    stream_id BIGINT NOT NULL
);

CREATE TABLE devices (
    user_id      TEXT NOT NULL,
    device_id    TEXT NOT NULL,
    display_name TEXT,
    last_seen    BIGINT,
    ip           TEXT,
    user_agent   TEXT,
    hidden       BOOLEAN DEFAULT FALSE,
    CONSTRAINT device_uniqueness UNIQUE (user_id, device_id)
);

CREATE TABLE e2e_cross_signing_keys (
    user_id   TEXT NOT NULL,
    keytype   TEXT NOT NULL,
    keydata   TEXT NOT NULL,
    stream_id BIGINT NOT NULL
);
CREATE UNIQUE INDEX e2e_cross_signing_keys_idx ON e2e_cross_signing_keys (user_id, keytype, stream_id);

CREATE TABLE e2e_cross_signing_signatures (
    user_id          TEXT NOT NULL,
    key_id           TEXT NOT NULL,
    target_user_id   TEXT NOT NULL,
    target_device_id TEXT NOT NULL,
    signature        TEXT NOT NULL
);
CREATE INDEX e2e_cross_signing_signatures2_idx
    ON e2e_cross_signing_signatures (user_id, target_user_id, target_device_id);

CREATE TABLE e2e_device_keys_json (
    user_id     TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    ts_added_ms BIGINT NOT NULL,
    key_json    TEXT NOT NULL,
    CONSTRAINT e2e_device_keys_json_uniqueness UNIQUE (user_id, device_id)
);

CREATE TABLE e2e_one_time_keys_json (
    user_id     TEXT NOT NULL,
    device_id   TEXT NOT NULL,
    algorithm   TEXT NOT NULL,
    key_id      TEXT NOT NULL,
    ts_added_ms BIGINT NOT NULL,
    key_json    TEXT NOT NULL,
    CONSTRAINT e2e_one_time_keys_json_uniqueness UNIQUE (user_id, device_id, algorithm, key_id)
);

CREATE TABLE e2e_room_keys (
    user_id             TEXT NOT NULL,
    room_id             TEXT NOT NULL,
    session_id          TEXT NOT NULL,
    version             BIGINT NOT NULL,
    first_message_index INTEGER,
    forwarded_count     INTEGER,
    is_verified         BOOLEAN,
    session_data        TEXT NOT NULL
);
CREATE UNIQUE INDEX e2e_room_keys_with_version_idx ON e2e_room_keys (user_id, version, room_id, session_id);

CREATE TABLE e2e_room_keys_versions (
    user_id   TEXT NOT NULL,
    version   BIGINT NOT NULL,
    algorithm TEXT NOT NULL,
    auth_data TEXT NOT NULL,
    deleted   SMALLINT NOT NULL DEFAULT 0,
    etag      BIGINT
);
CREATE UNIQUE INDEX e2e_room_keys_versions_idx ON e2e_room_keys_versions (user_id, version);

CREATE TABLE erased_users (
    user_id TEXT NOT NULL
);
CREATE UNIQUE INDEX erased_users_user ON erased_users (user_id);

CREATE TABLE event_auth (
    event_id TEXT NOT NULL,
    auth_id  TEXT NOT NULL,
    room_id  TEXT NOT NULL
);
CREATE INDEX evauth_edges_id ON event_auth (event_id);

CREATE TABLE event_backward_extremities (
    event_id TEXT NOT NULL,
    room_id  TEXT NOT NULL,
    CONSTRAINT event_backward_extremities_event_id_room_id_key UNIQUE (event_id, room_id)
);
CREATE INDEX ev_b_extrem_id ON event_backward_extremities (event_id);
CREATE INDEX ev_b_extrem_room ON event_backward_extremities (room_id);

CREATE TABLE event_edges (
    event_id      TEXT NOT NULL,
    prev_event_id TEXT NOT NULL,
    room_id       TEXT NOT NULL,
    is_state      BOOLEAN NOT NULL,
    CONSTRAINT event_edges_event_id_prev_event_id_room_id_is_state_key UNIQUE (event_id, prev_event_id, room_id, is_state)
);
CREATE INDEX ev_edges_id ON event_edges (event_id);
CREATE INDEX ev_edges_prev_id ON event_edges (prev_event_id);

CREATE TABLE event_expiry (
    event_id  TEXT NOT NULL,
    expiry_ts BIGINT NOT NULL,
    CONSTRAINT event_expiry_pkey PRIMARY KEY (event_id)
);
CREATE INDEX event_expiry_expiry_ts_idx ON event_expiry (expiry_ts);

CREATE TABLE event_forward_extremities (
    event_id TEXT NOT NULL,
    room_id  TEXT NOT NULL,
    CONSTRAINT event_forward_extremities_event_id_room_id_key UNIQUE (event_id, room_id)
);
CREATE INDEX ev_extrem_id ON event_forward_extremities (event_id);
CREATE INDEX ev_extrem_room ON event_forward_extremities (room_id);

CREATE TABLE event_json (
    event_id          TEXT NOT NULL,
    room_id           TEXT NOT NULL,
    internal_metadata TEXT NOT NULL,
    json              TEXT NOT NULL,
    format_version    INTEGER,
    CONSTRAINT event_json_event_id_key UNIQUE (event_id)
);
CREATE INDEX event_json_room_id ON event_json (room_id);

CREATE TABLE event_labels (
    event_id             TEXT NOT NULL,
    label                TEXT NOT NULL,
    room_id              TEXT NOT NULL,
    topological_ordering BIGINT NOT NULL,
    CONSTRAINT event_labels_pkey PRIMARY KEY (event_id, label)
);
CREATE INDEX event_labels_room_id_label_idx ON event_labels (room_id, label, topological_ordering);

CREATE TABLE event_push_actions (
    room_id              TEXT NOT NULL,
    event_id             TEXT NOT NULL,
    user_id              TEXT NOT NULL,
    profile_tag          VARCHAR,
    actions              TEXT NOT NULL,
    topological_ordering BIGINT,
    stream_ordering      BIGINT,
    notif                SMALLINT,
    highlight            SMALLINT,
    CONSTRAINT event_id_user_id_profile_tag_uniqueness UNIQUE (room_id, event_id, user_id, profile_tag)
);
CREATE INDEX event_push_actions_highlights_index
    ON event_push_actions (user_id, room_id, topological_ordering, stream_ordering) WHERE (highlight = 1);
CREATE INDEX event_push_actions_rm_tokens
    ON event_push_actions (user_id, room_id, topological_ordering, stream_ordering);
CREATE INDEX event_push_actions_room_id_user_id ON event_push_actions (room_id, user_id);
CREATE INDEX event_push_actions_stream_ordering ON event_push_actions (stream_ordering, user_id);
CREATE INDEX event_push_actions_u_highlight ON event_push_actions (user_id, stream_ordering);

CREATE TABLE event_push_actions_staging (
    event_id  TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    actions   TEXT NOT NULL,
    notif     SMALLINT NOT NULL,
    highlight SMALLINT NOT NULL
);
CREATE INDEX event_push_actions_staging_id ON event_push_actions_staging (event_id);

CREATE TABLE event_push_summary (
    user_id         TEXT NOT NULL,
    room_id         TEXT NOT NULL,
    notif_count     BIGINT NOT NULL,
    stream_ordering BIGINT NOT NULL
);
CREATE INDEX event_push_summary_user_rm ON event_push_summary (user_id, room_id);

CREATE TABLE event_push_summary_stream_ordering (
    lock            CHAR(1) NOT NULL DEFAULT 'X',
    stream_ordering BIGINT NOT NULL,
    CONSTRAINT event_push_summary_stream_ordering_lock_check CHECK (lock = 'X'),
    CONSTRAINT event_push_summary_stream_ordering_lock_key UNIQUE (lock)
);

CREATE TABLE event_reference_hashes (
    event_id  TEXT,
    algorithm TEXT,
    hash      BYTEA,
    CONSTRAINT event_reference_hashes_event_id_algorithm_key UNIQUE (event_id, algorithm)
);
CREATE INDEX event_reference_hashes_id ON event_reference_hashes (event_id);

CREATE TABLE event_relations (
    event_id        TEXT NOT NULL,
    relates_to_id   TEXT NOT NULL,
    relation_type   TEXT NOT NULL,
    aggregation_key TEXT
);
CREATE UNIQUE INDEX event_relations_id ON event_relations (event_id);
CREATE INDEX event_relations_relates ON event_relations (relates_to_id, relation_type, aggregation_key);

CREATE TABLE event_reports (
    id          BIGINT NOT NULL,
    received_ts BIGINT NOT NULL,
    room_id     TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    reason      TEXT,
    content     TEXT,
    CONSTRAINT event_reports_pkey PRIMARY KEY (id)
);

CREATE TABLE event_search (
    event_id         TEXT,
    room_id          TEXT,
    sender           TEXT,
    key              TEXT,
    vector           TSVECTOR,
    origin_server_ts BIGINT,
    stream_ordering  BIGINT
);
CREATE INDEX event_search_ev_ridx ON event_search (room_id);
CREATE UNIQUE INDEX event_search_event_id_idx ON event_search (event_id);
CREATE INDEX event_search_fts_idx ON event_search USING gin (vector);

CREATE TABLE event_to_state_groups (
    event_id    TEXT NOT NULL,
    state_group BIGINT NOT NULL,
    CONSTRAINT event_to_state_groups_event_id_key UNIQUE (event_id)
);
CREATE INDEX event_to_state_groups_sg_index ON event_to_state_groups (state_group);

CREATE TABLE events (
    stream_ordering      INTEGER NOT NULL,
    topological_ordering BIGINT NOT NULL,
    event_id             TEXT NOT NULL,
    type                 TEXT NOT NULL,
    room_id              TEXT NOT NULL,
    content              TEXT,
    unrecognized_keys    TEXT,
    processed            BOOLEAN NOT NULL,
    outlier              BOOLEAN NOT NULL,
    depth                BIGINT NOT NULL DEFAULT 0,
    origin_server_ts     BIGINT,
    received_ts          BIGINT,
    sender               TEXT,
    contains_url         BOOLEAN,
    CONSTRAINT events_event_id_key UNIQUE (event_id),
    CONSTRAINT events_pkey PRIMARY KEY (stream_ordering)
);
CREATE INDEX event_contains_url_index
    ON events (room_id, topological_ordering, stream_ordering) WHERE ((contains_url = true) AND (outlier = false));
CREATE INDEX events_order_room ON events (room_id, topological_ordering, stream_ordering);
CREATE INDEX events_room_stream ON events (room_id, stream_ordering);
CREATE INDEX events_ts ON events (origin_server_ts, stream_ordering);

CREATE TABLE ex_outlier_stream (
    event_stream_ordering BIGINT NOT NULL,
    event_id              TEXT NOT NULL,
    state_group           BIGINT NOT NULL,
    CONSTRAINT ex_outlier_stream_pkey PRIMARY KEY (event_stream_ordering)
);

CREATE TABLE federation_stream_position (
    type      TEXT NOT NULL,
    stream_id INTEGER NOT NULL
);

CREATE TABLE group_attestations_remote (
    group_id         TEXT NOT NULL,
    user_id          TEXT NOT NULL,
    valid_until_ms   BIGINT NOT NULL,
    attestation_json TEXT NOT NULL
);
CREATE INDEX group_attestations_remote_g_idx ON group_attestations_remote (group_id, user_id);
CREATE INDEX group_attestations_remote_u_idx ON group_attestations_remote (user_id);
CREATE INDEX group_attestations_remote_v_idx ON group_attestations_remote (valid_until_ms);

CREATE TABLE group_attestations_renewals (
    group_id       TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    valid_until_ms BIGINT NOT NULL
);
CREATE INDEX group_attestations_renewals_g_idx ON group_attestations_renewals (group_id, user_id);
CREATE INDEX group_attestations_renewals_u_idx ON group_attestations_renewals (user_id);
CREATE INDEX group_attestations_renewals_v_idx ON group_attestations_renewals (valid_until_ms);

CREATE TABLE group_invites (
    group_id TEXT NOT NULL,
    user_id  TEXT NOT NULL
);
CREATE UNIQUE INDEX group_invites_g_idx ON group_invites (group_id, user_id);
CREATE INDEX group_invites_u_idx ON group_invites (user_id);

CREATE TABLE group_roles (
    group_id  TEXT NOT NULL,
    role_id   TEXT NOT NULL,
    profile   TEXT NOT NULL,
    is_public BOOLEAN NOT NULL,
    CONSTRAINT group_roles_group_id_role_id_key UNIQUE (group_id, role_id)
);

CREATE TABLE group_room_categories (
    group_id    TEXT NOT NULL,
    category_id TEXT NOT NULL,
    profile     TEXT NOT NULL,
    is_public   BOOLEAN NOT NULL,
    CONSTRAINT group_room_categories_group_id_category_id_key UNIQUE (group_id, category_id)
);

CREATE TABLE group_rooms (
    group_id  TEXT NOT NULL,
    room_id   TEXT NOT NULL,
    is_public BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX group_rooms_g_idx ON group_rooms (group_id, room_id);
CREATE INDEX group_rooms_r_idx ON group_rooms (room_id);

CREATE TABLE group_summary_roles (
    group_id   TEXT NOT NULL,
    role_id    TEXT NOT NULL,
    role_order BIGINT NOT NULL,
    CONSTRAINT group_summary_roles_group_id_role_id_role_order_key UNIQUE (group_id, role_id, role_order),
    CONSTRAINT group_summary_roles_role_order_check CHECK (role_order > 0)
);

CREATE TABLE group_summary_room_categories (
    group_id    TEXT NOT NULL,
    category_id TEXT NOT NULL,
    cat_order   BIGINT NOT NULL,
    CONSTRAINT group_summary_room_categories_cat_order_check CHECK (cat_order > 0),
    CONSTRAINT group_summary_room_categories_group_id_category_id_cat_orde_key UNIQUE (group_id, category_id, cat_order)
);

CREATE TABLE group_summary_rooms (
    group_id    TEXT NOT NULL,
    room_id     TEXT NOT NULL,
    category_id TEXT NOT NULL,
    room_order  BIGINT NOT NULL,
    is_public   BOOLEAN NOT NULL,
    CONSTRAINT group_summary_rooms_group_id_category_id_room_id_room_order_key UNIQUE (group_id, category_id, room_id, room_order),
    CONSTRAINT group_summary_rooms_room_order_check CHECK (room_order > 0)
);
CREATE UNIQUE INDEX group_summary_rooms_g_idx ON group_summary_rooms (group_id, room_id, category_id);

CREATE TABLE group_summary_users (
    group_id   TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    role_id    TEXT NOT NULL,
    user_order BIGINT NOT NULL,
    is_public  BOOLEAN NOT NULL
);
CREATE INDEX group_summary_users_g_idx ON group_summary_users (group_id);

CREATE TABLE group_users (
    group_id  TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    is_admin  BOOLEAN NOT NULL,
    is_public BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX group_users_g_idx ON group_users (group_id, user_id);
CREATE INDEX group_users_u_idx ON group_users (user_id);

CREATE TABLE groups (
    group_id          TEXT NOT NULL,
    name              TEXT,
    avatar_url        TEXT,
    short_description TEXT,
    long_description  TEXT,
    is_public         BOOLEAN NOT NULL,
    join_policy       TEXT NOT NULL DEFAULT 'invite'
);
CREATE UNIQUE INDEX groups_idx ON groups (group_id);

CREATE TABLE local_current_membership (
    room_id    TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    membership TEXT NOT NULL
);
CREATE UNIQUE INDEX local_current_membership_idx ON local_current_membership (user_id, room_id);
CREATE INDEX local_current_membership_room_idx ON local_current_membership (room_id);

CREATE TABLE local_group_membership (
    group_id      TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    is_admin      BOOLEAN NOT NULL,
    membership    TEXT NOT NULL,
    is_publicised BOOLEAN NOT NULL,
    content       TEXT NOT NULL
);
CREATE INDEX local_group_membership_g_idx ON local_group_membership (group_id);
CREATE INDEX local_group_membership_u_idx ON local_group_membership (user_id, group_id);

CREATE TABLE local_group_updates (
    stream_id BIGINT NOT NULL,
    group_id  TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    type      TEXT NOT NULL,
    content   TEXT NOT NULL
);

CREATE TABLE local_invites (
    stream_id        BIGINT NOT NULL,
    inviter          TEXT NOT NULL,
    invitee          TEXT NOT NULL,
    event_id         TEXT NOT NULL,
    room_id          TEXT NOT NULL,
    locally_rejected TEXT,
    replaced_by      TEXT
);
CREATE INDEX local_invites_for_user_idx ON local_invites (invitee, locally_rejected, replaced_by, room_id);
CREATE INDEX local_invites_id ON local_invites (stream_id);

CREATE TABLE local_media_repository (
    media_id       TEXT,
    media_type     TEXT,
    media_length   INTEGER,
    created_ts     BIGINT,
    upload_name    TEXT,
    user_id        TEXT,
    quarantined_by TEXT,
    url_cache      TEXT,
    last_access_ts BIGINT,
    CONSTRAINT local_media_repository_media_id_key UNIQUE (media_id)
);
CREATE INDEX local_media_repository_url_idx ON local_media_repository (created_ts) WHERE (url_cache IS NOT NULL);

CREATE TABLE local_media_repository_thumbnails (
    media_id         TEXT,
    thumbnail_width  INTEGER,
    thumbnail_height INTEGER,
    thumbnail_type   TEXT,
    thumbnail_method TEXT,
    thumbnail_length INTEGER,
    CONSTRAINT local_media_repository_thumbn_media_id_thumbnail_width_thum_key UNIQUE (media_id, thumbnail_width, thumbnail_height, thumbnail_type)
);
CREATE INDEX local_media_repository_thumbnails_media_id ON local_media_repository_thumbnails (media_id);

CREATE TABLE local_media_repository_url_cache (
    url           TEXT,
    response_code INTEGER,
    etag          TEXT,
    expires_ts    BIGINT,
    og            TEXT,
    media_id      TEXT,
    download_ts   BIGINT
);
CREATE INDEX local_media_repository_url_cache_by_url_download_ts
    ON local_media_repository_url_cache (url, download_ts);
CREATE INDEX local_media_repository_url_cache_expires_idx ON local_media_repository_url_cache (expires_ts);
CREATE INDEX local_media_repository_url_cache_media_idx ON local_media_repository_url_cache (media_id);

CREATE TABLE monthly_active_users (
    user_id   TEXT NOT NULL,
    timestamp BIGINT NOT NULL
);
CREATE INDEX monthly_active_users_time_stamp ON monthly_active_users ("timestamp");
CREATE UNIQUE INDEX monthly_active_users_users ON monthly_active_users (user_id);

CREATE TABLE open_id_tokens (
    token             TEXT NOT NULL,
    ts_valid_until_ms BIGINT NOT NULL,
    user_id           TEXT NOT NULL,
    CONSTRAINT open_id_tokens_pkey PRIMARY KEY (token)
);
CREATE INDEX open_id_tokens_ts_valid_until_ms ON open_id_tokens (ts_valid_until_ms);

CREATE TABLE presence (
    user_id    TEXT NOT NULL,
    state      VARCHAR,
    status_msg TEXT,
    mtime      BIGINT,
    CONSTRAINT presence_user_id_key UNIQUE (user_id)
);

CREATE TABLE presence_allow_inbound (
    observed_user_id TEXT NOT NULL,
    observer_user_id TEXT NOT NULL,
    CONSTRAINT presence_allow_inbound_observed_user_id_observer_user_id_key UNIQUE (observed_user_id, observer_user_id)
);

CREATE TABLE presence_stream (
    stream_id                 BIGINT,
    user_id                   TEXT,
    state                     TEXT,
    last_active_ts            BIGINT,
    last_federation_update_ts BIGINT,
    last_user_sync_ts         BIGINT,
    status_msg                TEXT,
    currently_active          BOOLEAN
);
CREATE INDEX presence_stream_id ON presence_stream (stream_id, user_id);
CREATE INDEX presence_stream_user_id ON presence_stream (user_id);

CREATE TABLE profiles (
    user_id     TEXT NOT NULL,
    displayname TEXT,
    avatar_url  TEXT,
    CONSTRAINT profiles_user_id_key UNIQUE (user_id)
);

CREATE TABLE public_room_list_stream (
    stream_id     BIGINT NOT NULL,
    room_id       TEXT NOT NULL,
    visibility    BOOLEAN NOT NULL,
    appservice_id TEXT,
    network_id    TEXT
);
CREATE INDEX public_room_list_stream_idx ON public_room_list_stream (stream_id);
CREATE INDEX public_room_list_stream_network ON public_room_list_stream (appservice_id, network_id, room_id);
CREATE INDEX public_room_list_stream_rm_idx ON public_room_list_stream (room_id, stream_id);

CREATE TABLE push_rules (
    id             BIGINT NOT NULL,
    user_name      TEXT NOT NULL,
    rule_id        TEXT NOT NULL,
    priority_class SMALLINT NOT NULL,
    priority       INTEGER NOT NULL DEFAULT 0,
    conditions     TEXT NOT NULL,
    actions        TEXT NOT NULL,
    CONSTRAINT push_rules_pkey PRIMARY KEY (id),
    CONSTRAINT push_rules_user_name_rule_id_key UNIQUE (user_name, rule_id)
);
CREATE INDEX push_rules_user_name ON push_rules (user_name);

CREATE TABLE push_rules_enable (
    id        BIGINT NOT NULL,
    user_name TEXT NOT NULL,
    rule_id   TEXT NOT NULL,
    enabled   SMALLINT,
    CONSTRAINT push_rules_enable_pkey PRIMARY KEY (id),
    CONSTRAINT push_rules_enable_user_name_rule_id_key UNIQUE (user_name, rule_id)
);
CREATE INDEX push_rules_enable_user_name ON push_rules_enable (user_name);

CREATE TABLE push_rules_stream (
    stream_id             BIGINT NOT NULL,
    event_stream_ordering BIGINT NOT NULL,
    user_id               TEXT NOT NULL,
    rule_id               TEXT NOT NULL,
    op                    TEXT NOT NULL,
    priority_class        SMALLINT,
    priority              INTEGER,
    conditions            TEXT,
    actions               TEXT
);
CREATE INDEX push_rules_stream_id ON push_rules_stream (stream_id);
CREATE INDEX push_rules_stream_user_stream_id ON push_rules_stream (user_id, stream_id);

CREATE TABLE pusher_throttle (
    pusher       BIGINT NOT NULL,
    room_id      TEXT NOT NULL,
    last_sent_ts BIGINT,
    throttle_ms  BIGINT,
    CONSTRAINT pusher_throttle_pkey PRIMARY KEY (pusher, room_id)
);

CREATE TABLE pushers (
    id                   BIGINT NOT NULL,
    user_name            TEXT NOT NULL,
    access_token         BIGINT,
    profile_tag          TEXT NOT NULL,
    kind                 TEXT NOT NULL,
    app_id               TEXT NOT NULL,
    app_display_name     TEXT NOT NULL,
    device_display_name  TEXT NOT NULL,
    pushkey              TEXT NOT NULL,
    ts                   BIGINT NOT NULL,
    lang                 TEXT,
    data                 TEXT,
    last_stream_ordering INTEGER,
    last_success         BIGINT,
    failing_since        BIGINT,
    CONSTRAINT pushers2_app_id_pushkey_user_name_key UNIQUE (app_id, pushkey, user_name),
    CONSTRAINT pushers2_pkey PRIMARY KEY (id)
);

CREATE TABLE ratelimit_override (
    user_id             TEXT NOT NULL,
    messages_per_second BIGINT,
    burst_count         BIGINT
);
CREATE UNIQUE INDEX ratelimit_override_idx ON ratelimit_override (user_id);

CREATE TABLE receipts_graph (
    room_id      TEXT NOT NULL,
    receipt_type TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    event_ids    TEXT NOT NULL,
    data         TEXT NOT NULL,
    CONSTRAINT receipts_graph_uniqueness UNIQUE (room_id, receipt_type, user_id)
);

CREATE TABLE receipts_linearized (
    stream_id    BIGINT NOT NULL,
    room_id      TEXT NOT NULL,
    receipt_type TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    data         TEXT NOT NULL,
    CONSTRAINT receipts_linearized_uniqueness UNIQUE (room_id, receipt_type, user_id)
);
CREATE INDEX receipts_linearized_id ON receipts_linearized (stream_id);
CREATE INDEX receipts_linearized_room_stream ON receipts_linearized (room_id, stream_id);
CREATE INDEX receipts_linearized_user ON receipts_linearized (user_id);

CREATE TABLE received_transactions (
    transaction_id      TEXT,
    origin              TEXT,
    ts                  BIGINT,
    response_code       INTEGER,
    response_json       BYTEA,
    has_been_referenced SMALLINT DEFAULT 0,
    CONSTRAINT received_transactions_transaction_id_origin_key UNIQUE (transaction_id, origin)
);
CREATE INDEX received_transactions_ts ON received_transactions (ts);

CREATE TABLE redactions (
    event_id      TEXT NOT NULL,
    redacts       TEXT NOT NULL,
    have_censored BOOLEAN NOT NULL DEFAULT FALSE,
    received_ts   BIGINT,
    CONSTRAINT redactions_event_id_key UNIQUE (event_id)
);
CREATE INDEX redactions_have_censored_ts ON redactions (received_ts) WHERE (NOT have_censored);
CREATE INDEX redactions_redacts ON redactions (redacts);

CREATE TABLE rejections (
    event_id   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    last_check TEXT NOT NULL,
    CONSTRAINT rejections_event_id_key UNIQUE (event_id)
);

CREATE TABLE remote_media_cache (
    media_origin   TEXT,
    media_id       TEXT,
    media_type     TEXT,
    created_ts     BIGINT,
    upload_name    TEXT,
    media_length   INTEGER,
    filesystem_id  TEXT,
    last_access_ts BIGINT,
    quarantined_by TEXT,
    CONSTRAINT remote_media_cache_media_origin_media_id_key UNIQUE (media_origin, media_id)
);

CREATE TABLE remote_media_cache_thumbnails (
    media_origin     TEXT,
    media_id         TEXT,
    thumbnail_width  INTEGER,
    thumbnail_height INTEGER,
    thumbnail_method TEXT,
    thumbnail_type   TEXT,
    thumbnail_length INTEGER,
    filesystem_id    TEXT,
    CONSTRAINT remote_media_cache_thumbnails_media_origin_media_id_thumbna_key UNIQUE (media_origin, media_id, thumbnail_width, thumbnail_height, thumbnail_type)
);

CREATE TABLE remote_profile_cache (
    user_id     TEXT NOT NULL,
    displayname TEXT,
    avatar_url  TEXT,
    last_check  BIGINT NOT NULL
);
CREATE INDEX remote_profile_cache_time ON remote_profile_cache (last_check);
CREATE UNIQUE INDEX remote_profile_cache_user_id ON remote_profile_cache (user_id);

CREATE TABLE room_account_data (
    user_id           TEXT NOT NULL,
    room_id           TEXT NOT NULL,
    account_data_type TEXT NOT NULL,
    stream_id         BIGINT NOT NULL,
    content           TEXT NOT NULL,
    CONSTRAINT room_account_data_uniqueness UNIQUE (user_id, room_id, account_data_type)
);
CREATE INDEX room_account_data_stream_id ON room_account_data (user_id, stream_id);

CREATE TABLE room_alias_servers (
    room_alias TEXT NOT NULL,
    server     TEXT NOT NULL
);
CREATE INDEX room_alias_servers_alias ON room_alias_servers (room_alias);

CREATE TABLE room_aliases (
    room_alias TEXT NOT NULL,
    room_id    TEXT NOT NULL,
    creator    TEXT,
    CONSTRAINT room_aliases_room_alias_key UNIQUE (room_alias)
);
CREATE INDEX room_aliases_id ON room_aliases (room_id);

CREATE TABLE room_depth (
    room_id   TEXT NOT NULL,
    min_depth INTEGER NOT NULL,
    CONSTRAINT room_depth_room_id_key UNIQUE (room_id)
);
CREATE INDEX room_depth_room ON room_depth (room_id);

CREATE TABLE room_memberships (
    event_id     TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    sender       TEXT NOT NULL,
    room_id      TEXT NOT NULL,
    membership   TEXT NOT NULL,
    forgotten    INTEGER DEFAULT 0,
    display_name TEXT,
    avatar_url   TEXT,
    CONSTRAINT room_memberships_event_id_key UNIQUE (event_id)
);
CREATE INDEX room_memberships_room_id ON room_memberships (room_id);
CREATE INDEX room_memberships_user_id ON room_memberships (user_id);
CREATE INDEX room_memberships_user_room_forgotten ON room_memberships (user_id, room_id) WHERE (forgotten = 1);

CREATE TABLE room_retention (
    room_id      TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    min_lifetime BIGINT,
    max_lifetime BIGINT,
    CONSTRAINT room_retention_pkey PRIMARY KEY (room_id, event_id)
);
CREATE INDEX room_retention_max_lifetime_idx ON room_retention (max_lifetime);

CREATE TABLE room_stats_current (
    room_id                   TEXT NOT NULL,
    current_state_events      INTEGER NOT NULL,
    joined_members            INTEGER NOT NULL,
    invited_members           INTEGER NOT NULL,
    left_members              INTEGER NOT NULL,
    banned_members            INTEGER NOT NULL,
    local_users_in_room       INTEGER NOT NULL,
    completed_delta_stream_id BIGINT NOT NULL,
    CONSTRAINT room_stats_current_pkey PRIMARY KEY (room_id)
);

CREATE TABLE room_stats_earliest_token (
    room_id TEXT NOT NULL,
    token   BIGINT NOT NULL
);
CREATE UNIQUE INDEX room_stats_earliest_token_idx ON room_stats_earliest_token (room_id);

CREATE TABLE room_stats_historical (
    room_id              TEXT NOT NULL,
    end_ts               BIGINT NOT NULL,
    bucket_size          BIGINT NOT NULL,
    current_state_events BIGINT NOT NULL,
    joined_members       BIGINT NOT NULL,
    invited_members      BIGINT NOT NULL,
    left_members         BIGINT NOT NULL,
    banned_members       BIGINT NOT NULL,
    local_users_in_room  BIGINT NOT NULL,
    total_events         BIGINT NOT NULL,
    total_event_bytes    BIGINT NOT NULL,
    CONSTRAINT room_stats_historical_pkey PRIMARY KEY (room_id, end_ts)
);
CREATE INDEX room_stats_historical_end_ts ON room_stats_historical (end_ts);

CREATE TABLE room_stats_state (
    room_id            TEXT NOT NULL,
    name               TEXT,
    canonical_alias    TEXT,
    join_rules         TEXT,
    history_visibility TEXT,
    encryption         TEXT,
    avatar             TEXT,
    guest_access       TEXT,
    is_federatable     BOOLEAN,
    topic              TEXT
);
CREATE UNIQUE INDEX room_stats_state_room ON room_stats_state (room_id);

CREATE TABLE room_tags (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    tag     TEXT NOT NULL,
    content TEXT NOT NULL,
    CONSTRAINT room_tag_uniqueness UNIQUE (user_id, room_id, tag)
);

CREATE TABLE room_tags_revisions (
    user_id   TEXT NOT NULL,
    room_id   TEXT NOT NULL,
    stream_id BIGINT NOT NULL,
    CONSTRAINT room_tag_revisions_uniqueness UNIQUE (user_id, room_id)
);

CREATE TABLE rooms (
    room_id      TEXT NOT NULL,
    is_public    BOOLEAN,
    creator      TEXT,
    room_version TEXT,
    CONSTRAINT rooms_pkey PRIMARY KEY (room_id)
);
CREATE INDEX public_room_index ON rooms (is_public);

CREATE TABLE schema_version (
    lock     CHAR(1) NOT NULL DEFAULT 'X',
    version  INTEGER NOT NULL,
    upgraded BOOLEAN NOT NULL,
    CONSTRAINT schema_version_lock_check CHECK (lock = 'X'),
    CONSTRAINT schema_version_lock_key UNIQUE (lock)
);

CREATE TABLE server_keys_json (
    server_name       TEXT NOT NULL,
    key_id            TEXT NOT NULL,
    from_server       TEXT NOT NULL,
    ts_added_ms       BIGINT NOT NULL,
    ts_valid_until_ms BIGINT NOT NULL,
    key_json          BYTEA NOT NULL,
    CONSTRAINT server_keys_json_uniqueness UNIQUE (server_name, key_id, from_server)
);

CREATE TABLE server_signature_keys (
    server_name       TEXT,
    key_id            TEXT,
    from_server       TEXT,
    ts_added_ms       BIGINT,
    verify_key        BYTEA,
    ts_valid_until_ms BIGINT,
    CONSTRAINT server_signature_keys_server_name_key_id_key UNIQUE (server_name, key_id)
);

CREATE TABLE state_events (
    event_id   TEXT NOT NULL,
    room_id    TEXT NOT NULL,
    type       TEXT NOT NULL,
    state_key  TEXT NOT NULL,
    prev_state TEXT,
    CONSTRAINT state_events_event_id_key UNIQUE (event_id)
);

CREATE TABLE state_group_edges (
    state_group      BIGINT NOT NULL,
    prev_state_group BIGINT NOT NULL
);
CREATE INDEX state_group_edges_idx ON state_group_edges (state_group);
CREATE INDEX state_group_edges_prev_idx ON state_group_edges (prev_state_group);

CREATE TABLE state_groups (
    id       BIGINT NOT NULL,
    room_id  TEXT NOT NULL,
    event_id TEXT NOT NULL,
    CONSTRAINT state_groups_pkey PRIMARY KEY (id)
);
CREATE INDEX state_groups_room_id_idx ON state_groups (room_id);

CREATE TABLE state_groups_state (
    state_group BIGINT NOT NULL,
    room_id     TEXT NOT NULL,
    type        TEXT NOT NULL,
    state_key   TEXT NOT NULL,
    event_id    TEXT NOT NULL
);
CREATE INDEX state_groups_state_type_idx ON state_groups_state (state_group, type, state_key);

CREATE TABLE stats_incremental_position (
    lock      CHAR(1) NOT NULL DEFAULT 'X',
    stream_id BIGINT NOT NULL,
    CONSTRAINT stats_incremental_position_lock_check CHECK (lock = 'X'),
    CONSTRAINT stats_incremental_position_lock_key UNIQUE (lock)
);

CREATE TABLE stream_ordering_to_exterm (
    stream_ordering BIGINT NOT NULL,
    room_id         TEXT NOT NULL,
    event_id        TEXT NOT NULL
);
CREATE INDEX stream_ordering_to_exterm_idx ON stream_ordering_to_exterm (stream_ordering);
CREATE INDEX stream_ordering_to_exterm_rm_idx ON stream_ordering_to_exterm (room_id, stream_ordering);

CREATE TABLE threepid_guest_access_tokens (
    medium             TEXT,
    address            TEXT,
    guest_access_token TEXT,
    first_inviter      TEXT
);
CREATE UNIQUE INDEX threepid_guest_access_tokens_index ON threepid_guest_access_tokens (medium, address);

CREATE TABLE threepid_validation_session (
    session_id        TEXT NOT NULL,
    medium            TEXT NOT NULL,
    address           TEXT NOT NULL,
    client_secret     TEXT NOT NULL,
    last_send_attempt BIGINT NOT NULL,
    validated_at      BIGINT,
    CONSTRAINT threepid_validation_session_pkey PRIMARY KEY (session_id)
);

CREATE TABLE threepid_validation_token (
    token      TEXT NOT NULL,
    session_id TEXT NOT NULL,
    next_link  TEXT,
    expires    BIGINT NOT NULL,
    CONSTRAINT threepid_validation_token_pkey PRIMARY KEY (token)
);
CREATE INDEX threepid_validation_token_session_id ON threepid_validation_token (session_id);

CREATE TABLE ui_auth_sessions (
    session_id    TEXT NOT NULL,
    creation_time BIGINT NOT NULL,
    serverdict    TEXT NOT NULL,
    clientdict    TEXT NOT NULL,
    uri           TEXT NOT NULL,
    method        TEXT NOT NULL,
    description   TEXT NOT NULL,
    CONSTRAINT ui_auth_sessions_session_id_key UNIQUE (session_id)
);

CREATE TABLE ui_auth_sessions_credentials (
    session_id TEXT NOT NULL,
    stage_type TEXT NOT NULL,
    result     TEXT NOT NULL,
    CONSTRAINT ui_auth_sessions_credentials_session_id_fkey FOREIGN KEY (session_id) REFERENCES ui_auth_sessions(session_id),
    CONSTRAINT ui_auth_sessions_credentials_session_id_stage_type_key UNIQUE (session_id, stage_type)
);

CREATE TABLE user_daily_visits (
    user_id   TEXT NOT NULL,
    device_id TEXT,
    timestamp BIGINT NOT NULL
);
CREATE INDEX user_daily_visits_ts_idx ON user_daily_visits ("timestamp");
CREATE INDEX user_daily_visits_uts_idx ON user_daily_visits (user_id, "timestamp");

CREATE TABLE user_directory (
    user_id      TEXT NOT NULL,
    room_id      TEXT,
    display_name TEXT,
    avatar_url   TEXT
);
CREATE INDEX user_directory_room_idx ON user_directory (room_id);
CREATE UNIQUE INDEX user_directory_user_idx ON user_directory (user_id);

CREATE TABLE user_directory_search (
    user_id TEXT NOT NULL,
    vector  TSVECTOR
);
CREATE INDEX user_directory_search_fts_idx ON user_directory_search USING gin (vector);
CREATE UNIQUE INDEX user_directory_search_user_idx ON user_directory_search (user_id);

CREATE TABLE user_directory_stream_pos (
    lock      CHAR(1) NOT NULL DEFAULT 'X',
    stream_id BIGINT,
    CONSTRAINT user_directory_stream_pos_lock_check CHECK (lock = 'X'),
    CONSTRAINT user_directory_stream_pos_lock_key UNIQUE (lock)
);

CREATE TABLE user_external_ids (
    auth_provider TEXT NOT NULL,
    external_id   TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    CONSTRAINT user_external_ids_auth_provider_external_id_key UNIQUE (auth_provider, external_id)
);

CREATE TABLE user_filters (
    user_id     TEXT NOT NULL,
    filter_id   BIGINT NOT NULL,
    filter_json BYTEA NOT NULL
);
CREATE UNIQUE INDEX user_filters_unique ON user_filters (user_id, filter_id);

CREATE TABLE user_ips (
    user_id      TEXT NOT NULL,
    access_token TEXT NOT NULL,
    device_id    TEXT,
    ip           TEXT NOT NULL,
    user_agent   TEXT NOT NULL,
    last_seen    BIGINT NOT NULL
);
CREATE INDEX user_ips_device_id ON user_ips (user_id, device_id, last_seen);
CREATE INDEX user_ips_last_seen ON user_ips (user_id, last_seen);
CREATE INDEX user_ips_last_seen_only ON user_ips (last_seen);
CREATE UNIQUE INDEX user_ips_user_token_ip_unique_index ON user_ips (user_id, access_token, ip);

CREATE TABLE user_signature_stream (
    stream_id    BIGINT NOT NULL,
    from_user_id TEXT NOT NULL,
    user_ids     TEXT NOT NULL
);
CREATE UNIQUE INDEX user_signature_stream_idx ON user_signature_stream (stream_id);

CREATE TABLE user_stats_current (
    user_id                   TEXT NOT NULL,
    joined_rooms              BIGINT NOT NULL,
    completed_delta_stream_id BIGINT NOT NULL,
    CONSTRAINT user_stats_current_pkey PRIMARY KEY (user_id)
);

CREATE TABLE user_stats_historical (
    user_id           TEXT NOT NULL,
    end_ts            BIGINT NOT NULL,
    bucket_size       BIGINT NOT NULL,
    joined_rooms      BIGINT NOT NULL,
    invites_sent      BIGINT NOT NULL,
    rooms_created     BIGINT NOT NULL,
    total_events      BIGINT NOT NULL,
    total_event_bytes BIGINT NOT NULL,
    CONSTRAINT user_stats_historical_pkey PRIMARY KEY (user_id, end_ts)
);
CREATE INDEX user_stats_historical_end_ts ON user_stats_historical (end_ts);

CREATE TABLE user_threepid_id_server (
    user_id   TEXT NOT NULL,
    medium    TEXT NOT NULL,
    address   TEXT NOT NULL,
    id_server TEXT NOT NULL
);
CREATE UNIQUE INDEX user_threepid_id_server_idx ON user_threepid_id_server (user_id, medium, address, id_server);

CREATE TABLE user_threepids (
    user_id      TEXT NOT NULL,
    medium       TEXT NOT NULL,
    address      TEXT NOT NULL,
    validated_at BIGINT NOT NULL,
    added_at     BIGINT NOT NULL,
    CONSTRAINT medium_address UNIQUE (medium, address)
);
CREATE INDEX user_threepids_medium_address ON user_threepids (medium, address);
CREATE INDEX user_threepids_user_id ON user_threepids (user_id);

CREATE TABLE users (
    name                       TEXT,
    password_hash              TEXT,
    creation_ts                BIGINT,
    admin                      SMALLINT NOT NULL DEFAULT 0,
    upgrade_ts                 BIGINT,
    is_guest                   SMALLINT NOT NULL DEFAULT 0,
    appservice_id              TEXT,
    consent_version            TEXT,
    consent_server_notice_sent TEXT,
    user_type                  TEXT,
    deactivated                SMALLINT NOT NULL DEFAULT 0,
    CONSTRAINT users_name_key UNIQUE (name)
);
CREATE INDEX users_creation_ts ON users (creation_ts);

CREATE TABLE users_in_public_rooms (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL
);
CREATE INDEX users_in_public_rooms_r_idx ON users_in_public_rooms (room_id);
CREATE UNIQUE INDEX users_in_public_rooms_u_idx ON users_in_public_rooms (user_id, room_id);

CREATE TABLE users_pending_deactivation (
    user_id TEXT NOT NULL
);

CREATE TABLE users_who_share_private_rooms (
    user_id       TEXT NOT NULL,
    other_user_id TEXT NOT NULL,
    room_id       TEXT NOT NULL
);
CREATE INDEX users_who_share_private_rooms_o_idx ON users_who_share_private_rooms (other_user_id);
CREATE INDEX users_who_share_private_rooms_r_idx ON users_who_share_private_rooms (room_id);
CREATE UNIQUE INDEX users_who_share_private_rooms_u_idx
    ON users_who_share_private_rooms (user_id, other_user_id, room_id);

-- Positions that are only ever updated, so they must exist from the start.
INSERT INTO account_data_max_stream_id (stream_id) VALUES (0);
INSERT INTO appservice_stream_position (stream_ordering) VALUES (0);
INSERT INTO device_max_stream_id (stream_id) VALUES (0);
INSERT INTO event_push_summary_stream_ordering (stream_ordering) VALUES (0);
INSERT INTO federation_stream_position (type, stream_id) VALUES ('federation', -1), ('events', -1);
INSERT INTO stats_incremental_position (stream_id) VALUES (0);
INSERT INTO user_directory_stream_pos (stream_id) VALUES (0);

-- What Synapse looks at to decide which of its own migrations are still to be done: none.
INSERT INTO schema_version (version, upgraded) VALUES (58, FALSE);
INSERT INTO applied_schema_deltas (version, file) VALUES
    (55, '55/access_token_expiry.sql'),
    (55, '55/track_threepid_validations.sql'),
    (55, '55/users_alter_deactivated.sql'),
    (56, '56/add_spans_to_device_lists.sql'),
    (56, '56/current_state_events_membership.sql'),
    (56, '56/current_state_events_membership_mk2.sql'),
    (56, '56/delete_keys_from_deleted_backups.sql'),
    (56, '56/destinations_failure_ts.sql'),
    (56, '56/destinations_retry_interval_type.sql.postgres'),
    (56, '56/device_stream_id_insert.sql'),
    (56, '56/devices_last_seen.sql'),
    (56, '56/drop_unused_event_tables.sql'),
    (56, '56/event_expiry.sql'),
    (56, '56/event_labels.sql'),
    (56, '56/event_labels_background_update.sql'),
    (56, '56/fix_room_keys_index.sql'),
    (56, '56/hidden_devices.sql'),
    (56, '56/nuke_empty_communities_from_db.sql'),
    (56, '56/public_room_list_idx.sql'),
    (56, '56/redaction_censor.sql'),
    (56, '56/redaction_censor2.sql'),
    (56, '56/redaction_censor3_fix_update.sql.postgres'),
    (56, '56/redaction_censor4.sql'),
    (56, '56/remove_tombstoned_rooms_from_directory.sql'),
    (56, '56/room_key_etag.sql'),
    (56, '56/room_membership_idx.sql'),
    (56, '56/room_retention.sql'),
    (56, '56/signing_keys.sql'),
    (56, '56/signing_keys_nonunique_signatures.sql'),
    (56, '56/state_group_room_idx.sql'),
    (56, '56/stats_separated.sql'),
    (56, '56/unique_user_filter_index.py'),
    (56, '56/user_external_ids.sql'),
    (56, '56/users_in_public_rooms_idx.sql'),
    (57, '57/delete_old_current_state_events.sql'),
    (57, '57/device_list_remote_cache_stale.sql'),
    (57, '57/local_current_membership.py'),
    (57, '57/remove_sent_outbound_pokes.sql'),
    (57, '57/rooms_version_column.sql'),
    (57, '57/rooms_version_column_2.sql.postgres'),
    (57, '57/rooms_version_column_3.sql.postgres'),
    (58, '58/00background_update_ordering.sql'),
    (58, '58/02remove_dup_outbound_pokes.sql'),
    (58, '58/03persist_ui_auth.sql'),
    (58, '58/05cache_instance.sql.postgres'),
    (58, '58/06dlols_unique_idx.py');
