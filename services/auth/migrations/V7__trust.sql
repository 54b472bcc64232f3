-- auth.migrations.trust
CREATE TABLE trust_events (
    event_id   bigint GENERATED ALWAYS AS IDENTITY,
    xact       xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind       text NOT NULL,
    subject_id uuid,
    expires_at timestamptz,

    CONSTRAINT trust_events_pkey PRIMARY KEY (event_id),
    CONSTRAINT trust_events_kind_is_known CHECK (
        kind IN ('session_ended', 'user_refused', 'user_restored', 'keys_changed')
    ),
    CONSTRAINT trust_events_have_subjects CHECK ((subject_id IS NULL) = (kind = 'keys_changed'))
);
CREATE INDEX trust_events_xact_idx ON trust_events (xact);
CREATE INDEX trust_events_expires_at_idx ON trust_events (expires_at);
COMMENT ON TABLE trust_events IS 'A row is something that verifiers of tokens must be told at once.';
COMMENT ON COLUMN trust_events.event_id IS 'Its place in the order in which things were done, not in which they were committed.';
COMMENT ON COLUMN trust_events.xact IS 'The transaction that did it: what is committed late is found by it.';
COMMENT ON COLUMN trust_events.kind IS 'What: `session_ended`, `user_refused`, `user_restored` or `keys_changed`.';
COMMENT ON COLUMN trust_events.subject_id IS 'Which session or user.';
COMMENT ON COLUMN trust_events.expires_at IS 'When no token can be good any more that it is about; null: it holds until it is taken back.';

-- Whoever waits for news looks when a transaction that has some is committed.
CREATE FUNCTION tell_trust() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('trust', '');
    RETURN NULL;
END $$;
CREATE TRIGGER trust_events_are_told
    AFTER INSERT ON trust_events
    FOR EACH STATEMENT EXECUTE FUNCTION tell_trust();

-- Nobody can forget to tell: whatever ends a session, also a row that goes with its
-- user, is told in the same transaction. No access token is good for more than an
-- hour, and clocks differ by less than a minute.
CREATE FUNCTION tell_session_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trust_events (kind, subject_id, expires_at)
    VALUES ('session_ended', OLD.session_id, now() + interval '61 minutes');
    RETURN NULL;
END $$;
CREATE TRIGGER sessions_ends_are_told
    AFTER UPDATE OF ended_at ON sessions
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION tell_session_ended();
CREATE TRIGGER sessions_removals_are_told
    AFTER DELETE ON sessions
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND OLD.expires_at > now())
    EXECUTE FUNCTION tell_session_ended();

CREATE FUNCTION tell_user_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM trust_events WHERE kind = 'user_refused' AND subject_id = OLD.user_id;
    INSERT INTO trust_events (kind, subject_id, expires_at)
    VALUES ('user_refused', OLD.user_id, now() + interval '61 minutes');
    RETURN NULL;
END $$;
CREATE TRIGGER users_removals_are_told
    AFTER DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION tell_user_deleted();
CREATE INDEX trust_events_subject_id_idx ON trust_events (subject_id);
