-- auth.migrations.audit
CREATE TABLE audit_events (
    sequence    bigint GENERATED ALWAYS AS IDENTITY,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind        text NOT NULL,
    actor_id    uuid,
    subject_id  uuid,
    session_id  uuid,
    address     text NOT NULL DEFAULT '',
    request_id  text NOT NULL DEFAULT '',
    details     text NOT NULL DEFAULT '{}',

    CONSTRAINT audit_events_pkey PRIMARY KEY (sequence)
);
COMMENT ON TABLE audit_events IS 'A row is something that happened to an account.';
COMMENT ON COLUMN audit_events.sequence IS 'Its place in the order of events.';
COMMENT ON COLUMN audit_events.occurred_at IS 'When.';
COMMENT ON COLUMN audit_events.kind IS 'What, as `session.created`.';
COMMENT ON COLUMN audit_events.actor_id IS 'Who did it; null: nobody who was signed in.';
COMMENT ON COLUMN audit_events.subject_id IS 'Whose account it happened to.';
COMMENT ON COLUMN audit_events.session_id IS 'Which session it is about.';
COMMENT ON COLUMN audit_events.address IS 'The address of the client.';
COMMENT ON COLUMN audit_events.request_id IS 'The request that did it.';
COMMENT ON COLUMN audit_events.details IS 'What else is to be known, as JSON of strings.';
