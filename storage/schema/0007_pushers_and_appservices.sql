-- A pusher goes with its device, whose access tokens may be refreshed.
ALTER TABLE pushers ADD COLUMN device_id TEXT;
UPDATE pushers SET device_id = t.device_id FROM access_tokens AS t WHERE t.id = pushers.access_token;
CREATE INDEX pushers_user_device ON pushers (user_name, device_id);
