-- Profile fields besides displayname and avatar_url, as an object by name. Newer Synapses call the column the same.
ALTER TABLE profiles ADD COLUMN IF NOT EXISTS fields JSONB;
