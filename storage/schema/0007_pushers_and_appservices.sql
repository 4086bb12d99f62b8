-- A pusher goes with its device, whose access tokens may be refreshed.
ALTER TABLE pushers ADD COLUMN device_id TEXT;
UPDATE pushers SET device_id = t.device_id FROM access_tokens AS t WHERE t.id = pushers.access_token;
CREATE INDEX pushers_user_device ON pushers (user_name, device_id);

-- What a transaction has beside events: typing, receipts, presence.
ALTER TABLE application_services_txns ADD COLUMN ephemeral TEXT;
CREATE INDEX application_services_txns_order ON application_services_txns (as_id, txn_id);
