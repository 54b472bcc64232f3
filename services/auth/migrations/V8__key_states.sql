-- auth.migrations.key_states
ALTER TABLE signing_keys
    ADD COLUMN signs_from timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN retired_at timestamptz;
UPDATE signing_keys SET signs_from = created_at;
COMMENT ON COLUMN signing_keys.signs_from IS 'When it begins to sign: verifiers learn it before.';
COMMENT ON COLUMN signing_keys.retired_at IS 'When another key took over; what it signed before is good until it expires.';

CREATE FUNCTION tell_keys_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trust_events (kind, expires_at)
    VALUES ('keys_changed', now() + interval '61 minutes');
    RETURN NULL;
END $$;
CREATE TRIGGER signing_keys_changes_are_told
    AFTER INSERT OR UPDATE OR DELETE ON signing_keys
    FOR EACH ROW EXECUTE FUNCTION tell_keys_changed();
