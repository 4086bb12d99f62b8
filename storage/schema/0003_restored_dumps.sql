-- A data-only dump of a Synapse database (pg_dump --data-only) goes into a database that migration 1 made: where that
-- put a first row, the dump's row takes its place instead of colliding with it, or of standing beside it.
CREATE FUNCTION weft_replace_first_row() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF TG_NARGS = 0 THEN  -- a table of one row
        EXECUTE format('DELETE FROM %s', TG_RELID::regclass);
    ELSE  -- the argument names the column that tells its rows apart
        EXECUTE format('DELETE FROM %s WHERE %I = $1.%2$I', TG_RELID::regclass, TG_ARGV[0]) USING NEW;
    END IF;
    RETURN NEW;
END
$body$;

CREATE TRIGGER weft_replace_first_row BEFORE INSERT ON account_data_max_stream_id
    FOR EACH ROW EXECUTE FUNCTION weft_replace_first_row();
CREATE TRIGGER weft_replace_first_row BEFORE INSERT ON appservice_stream_position
    FOR EACH ROW EXECUTE FUNCTION weft_replace_first_row();
CREATE TRIGGER weft_replace_first_row BEFORE INSERT ON device_max_stream_id
    FOR EACH ROW EXECUTE FUNCTION weft_replace_first_row();
CREATE TRIGGER weft_replace_first_row BEFORE INSERT ON event_push_summary_stream_ordering
    FOR EACH ROW EXECUTE FUNCTION weft_replace_first_row();
CREATE TRIGGER weft_replace_first_row BEFORE INSERT ON stats_incremental_position
    FOR EACH ROW EXECUTE FUNCTION weft_replace_first_row();
CREATE TRIGGER weft_replace_first_row BEFORE INSERT ON user_directory_stream_pos
    FOR EACH ROW EXECUTE FUNCTION weft_replace_first_row();
CREATE TRIGGER weft_replace_first_row BEFORE INSERT ON schema_version
    FOR EACH ROW EXECUTE FUNCTION weft_replace_first_row();
CREATE TRIGGER weft_replace_first_row BEFORE INSERT ON federation_stream_position
    FOR EACH ROW EXECUTE FUNCTION weft_replace_first_row('type');
CREATE TRIGGER weft_replace_first_row BEFORE INSERT ON applied_schema_deltas
    FOR EACH ROW EXECUTE FUNCTION weft_replace_first_row('file');
