-- Media as later versions of Synapse keep it: the same columns with the same meaning.

-- authenticated: was uploaded (or cached) when media could be downloaded with an access token only.
ALTER TABLE local_media_repository
    ADD COLUMN IF NOT EXISTS safe_from_quarantine BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN IF NOT EXISTS authenticated BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN IF NOT EXISTS sha256 TEXT;
ALTER TABLE remote_media_cache
    ADD COLUMN IF NOT EXISTS authenticated BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN IF NOT EXISTS sha256 TEXT;

-- Thumbnails of one size may be made by both methods.
ALTER TABLE local_media_repository_thumbnails
    DROP CONSTRAINT IF EXISTS local_media_repository_thumbn_media_id_thumbnail_width_thum_key;
CREATE UNIQUE INDEX IF NOT EXISTS local_media_repository_thumbn_media_id_width_height_method_key
    ON local_media_repository_thumbnails (media_id, thumbnail_width, thumbnail_height, thumbnail_type, thumbnail_method);

CREATE INDEX IF NOT EXISTS users_have_local_media ON local_media_repository (user_id, created_ts) WHERE url_cache IS NULL;
CREATE INDEX IF NOT EXISTS local_media_repository_sha256 ON local_media_repository (sha256) WHERE sha256 IS NOT NULL;
-- Announced uploads that have not come yet.
CREATE INDEX weft_local_media_pending ON local_media_repository (created_ts) WHERE media_length IS NULL;
