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
