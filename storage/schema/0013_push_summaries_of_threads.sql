-- Push actions that are older than a day are counted here instead of being kept, by thread: NULL is what is in none.
ALTER TABLE event_push_summary ADD COLUMN thread_id TEXT;
