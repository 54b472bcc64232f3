-- auth.migrations.erasures
CREATE TABLE erasures (
    erasure_id uuid NOT NULL,
    user_id    uuid,
    posts      integer NOT NULL DEFAULT 0,
    sessions   integer NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL DEFAULT now(),
    begun_at   timestamptz NOT NULL DEFAULT now(),
    content_at timestamptz,
    done_at    timestamptz,
    receipt    text NOT NULL DEFAULT '',

    CONSTRAINT erasures_pkey PRIMARY KEY (erasure_id),
    CONSTRAINT erasures_done_forget CHECK ((done_at IS NULL) = (user_id IS NOT NULL)),
    CONSTRAINT erasures_done_are_signed CHECK ((done_at IS NULL) = (receipt = ''))
);
CREATE INDEX erasures_due_at_idx ON erasures (due_at) WHERE done_at IS NULL;
COMMENT ON TABLE erasures IS 'A row is an account that is gone, and what is left to do about it.';
COMMENT ON COLUMN erasures.erasure_id IS 'Random, because whoever knows it may read the receipt.';
COMMENT ON COLUMN erasures.user_id IS 'Whose it was; null when nothing is left.';
COMMENT ON COLUMN erasures.posts IS 'How many posts were erased.';
COMMENT ON COLUMN erasures.sessions IS 'How many sessions were.';
COMMENT ON COLUMN erasures.attempts IS 'How often it was tried to go on.';
COMMENT ON COLUMN erasures.due_at IS 'When to go on; while somebody does, when others may.';
COMMENT ON COLUMN erasures.begun_at IS 'When the account was erased.';
COMMENT ON COLUMN erasures.content_at IS 'When content had last erased its part.';
COMMENT ON COLUMN erasures.done_at IS 'When everything was.';
COMMENT ON COLUMN erasures.receipt IS 'What was erased and when, signed; it names nobody.';
