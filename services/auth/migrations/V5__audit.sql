-- auth.migrations.audit
CREATE TABLE audit_inbox (
    sequence    bigint GENERATED ALWAYS AS IDENTITY,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind        text NOT NULL,
    actor_id    uuid,
    subject_id  uuid,
    session_id  uuid,
    request_id  text NOT NULL DEFAULT '',
    details     text NOT NULL DEFAULT '{}',
    private     text NOT NULL DEFAULT '',
    salt        bytea NOT NULL DEFAULT '',

    CONSTRAINT audit_inbox_pkey PRIMARY KEY (sequence)
);
COMMENT ON TABLE audit_inbox IS 'A row is an event that was written down with its cause and is not chained yet.';
COMMENT ON COLUMN audit_inbox.sequence IS 'The order of writing down; what was rolled back leaves gaps.';
COMMENT ON COLUMN audit_inbox.occurred_at IS 'When it happened.';
COMMENT ON COLUMN audit_inbox.kind IS 'What, as `session.created`.';
COMMENT ON COLUMN audit_inbox.actor_id IS 'Who did it; null: nobody who was signed in.';
COMMENT ON COLUMN audit_inbox.subject_id IS 'Whose account it happened to.';
COMMENT ON COLUMN audit_inbox.session_id IS 'Which session it is about.';
COMMENT ON COLUMN audit_inbox.request_id IS 'The request that did it.';
COMMENT ON COLUMN audit_inbox.details IS 'What else is to be known, as JSON of strings; nothing about a person.';
COMMENT ON COLUMN audit_inbox.private IS 'What may have to be erased, as JSON of strings: `address`, `reason`; or empty.';
COMMENT ON COLUMN audit_inbox.salt IS 'Random, so that the mark of what is private tells nothing once that is erased.';

CREATE TABLE audit_log (
    position     bigint NOT NULL,
    chained_at   timestamptz NOT NULL,
    sequence     bigint NOT NULL,
    occurred_at  timestamptz NOT NULL,
    kind         text NOT NULL,
    actor_id     uuid,
    subject_id   uuid,
    session_id   uuid,
    request_id   text NOT NULL,
    details      text NOT NULL,
    private_mark bytea NOT NULL,
    hash         bytea NOT NULL,

    CONSTRAINT audit_log_pkey PRIMARY KEY (position, chained_at)
) PARTITION BY RANGE (chained_at);
CREATE INDEX audit_log_subject_id_idx ON audit_log (subject_id, position);
CREATE INDEX audit_log_actor_id_idx ON audit_log (actor_id, position);
CREATE INDEX audit_log_kind_idx ON audit_log (kind text_pattern_ops, position);
COMMENT ON TABLE audit_log IS 'A row is an event in its place in the chain; it is never changed. A partition is a month.';
COMMENT ON COLUMN audit_log.position IS 'Its place: 1, 2, 3 and so on, without gaps.';
COMMENT ON COLUMN audit_log.chained_at IS 'When it got its place; never earlier than that of the place before.';
COMMENT ON COLUMN audit_log.sequence IS 'As in audit_inbox.';
COMMENT ON COLUMN audit_log.occurred_at IS 'As in audit_inbox.';
COMMENT ON COLUMN audit_log.kind IS 'As in audit_inbox.';
COMMENT ON COLUMN audit_log.actor_id IS 'As in audit_inbox.';
COMMENT ON COLUMN audit_log.subject_id IS 'As in audit_inbox.';
COMMENT ON COLUMN audit_log.session_id IS 'As in audit_inbox.';
COMMENT ON COLUMN audit_log.request_id IS 'As in audit_inbox.';
COMMENT ON COLUMN audit_log.details IS 'As in audit_inbox.';
COMMENT ON COLUMN audit_log.private_mark IS 'HMAC-SHA-256 of what is private, with the salt as the key; empty if nothing is.';
COMMENT ON COLUMN audit_log.hash IS 'SHA-256 of all other columns and the hash of the place before.';

CREATE TABLE audit_private (
    position bigint NOT NULL,
    private  text NOT NULL,
    salt     bytea NOT NULL,

    CONSTRAINT audit_private_pkey PRIMARY KEY (position)
);
COMMENT ON TABLE audit_private IS 'A row is what is private in an event; it can be erased, and the chain still holds.';
COMMENT ON COLUMN audit_private.position IS 'The place of the event.';
COMMENT ON COLUMN audit_private.private IS 'As in audit_inbox.';
COMMENT ON COLUMN audit_private.salt IS 'As in audit_inbox.';

CREATE TABLE audit_checkpoints (
    number          bigint NOT NULL,
    made_at         timestamptz NOT NULL,
    position        bigint NOT NULL,
    hash            bytea NOT NULL,
    pruned_position bigint NOT NULL,
    pruned_hash     bytea NOT NULL,
    previous        bytea NOT NULL,
    key             bytea NOT NULL,
    signature       bytea NOT NULL,

    CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (number)
);
COMMENT ON TABLE audit_checkpoints IS 'A row is a signed statement of how far the chain went; it is never changed.';
COMMENT ON COLUMN audit_checkpoints.number IS '1, 2, 3 and so on, without gaps.';
COMMENT ON COLUMN audit_checkpoints.made_at IS 'When it was made.';
COMMENT ON COLUMN audit_checkpoints.position IS 'The last place of the chain then.';
COMMENT ON COLUMN audit_checkpoints.hash IS 'The hash at that place.';
COMMENT ON COLUMN audit_checkpoints.pruned_position IS 'The last place that was dropped because it was old; 0: none was.';
COMMENT ON COLUMN audit_checkpoints.pruned_hash IS 'The hash at that place.';
COMMENT ON COLUMN audit_checkpoints.previous IS 'SHA-256 of the checkpoint before.';
COMMENT ON COLUMN audit_checkpoints.key IS 'The public key that it was signed with.';
COMMENT ON COLUMN audit_checkpoints.signature IS 'Ed25519 over all other columns.';

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
COMMENT ON FUNCTION audit_refuse() IS 'Refuses to change what is append-only. Old months go with their partition.';
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoints_are_append_only BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoints_are_not_emptied BEFORE TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE FUNCTION audit_add_month(month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    name text := to_char(month, '"audit_log_"YYYY_MM');
    begins timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
    ends timestamptz := date_trunc('month', month::timestamp + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Attaching, unlike creating in place, lets others go on reading and writing.
    EXECUTE format('CREATE TABLE %I (LIKE audit_log INCLUDING ALL)', name);
    EXECUTE format(
        'CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON %I '
        'FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()', name);
    EXECUTE format(
        'ALTER TABLE audit_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, begins, ends);
    RETURN true;
END
$$;
COMMENT ON FUNCTION audit_add_month(date) IS 'Makes room for the events of a month, unless there is.';

CREATE FUNCTION audit_drop_before(month date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    name text;
    dropped integer := 0;
BEGIN
    FOR name IN
        SELECT relname
        FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'audit_log'::regclass
            AND relname COLLATE "C" < to_char(month, '"audit_log_"YYYY_MM')
        ORDER BY relname
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION audit_drop_before(date) IS 'Drops the months before one: the only way out of the log.';

CREATE VIEW audit_events AS
SELECT
    sequence,
    NULL::bigint AS position,
    occurred_at,
    kind,
    actor_id,
    subject_id,
    session_id,
    COALESCE(NULLIF(private, '')::jsonb ->> 'address', '') AS address,
    request_id,
    details,
    private
FROM audit_inbox
UNION ALL
SELECT
    audit_log.sequence,
    audit_log.position,
    audit_log.occurred_at,
    audit_log.kind,
    audit_log.actor_id,
    audit_log.subject_id,
    audit_log.session_id,
    COALESCE(NULLIF(audit_private.private, '')::jsonb ->> 'address', '') AS address,
    audit_log.request_id,
    audit_log.details,
    COALESCE(audit_private.private, '') AS private
FROM audit_log
LEFT JOIN audit_private USING (position);
COMMENT ON VIEW audit_events IS 'All events, those too that have no place in the chain yet.';
