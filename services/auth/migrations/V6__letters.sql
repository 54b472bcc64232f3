-- auth.migrations.letters
CREATE TABLE letters (
    letter_id    uuid NOT NULL,
    recipient    text NOT NULL,
    kind         text NOT NULL,
    sealed       bytea,
    state        text NOT NULL DEFAULT 'waiting',
    created_at   timestamptz NOT NULL DEFAULT now(),
    useful_until timestamptz NOT NULL,
    due_at       timestamptz NOT NULL DEFAULT now(),
    attempts     integer NOT NULL DEFAULT 0,
    worker_id    uuid,
    settled_at   timestamptz,
    failure      text NOT NULL DEFAULT '',

    CONSTRAINT letters_pkey PRIMARY KEY (letter_id),
    CONSTRAINT letters_state_is_known CHECK (state IN ('waiting', 'sent', 'dead')),
    CONSTRAINT letters_waiting_are_whole CHECK (state <> 'waiting' OR sealed IS NOT NULL),
    CONSTRAINT letters_settled_once CHECK ((state = 'waiting') = (settled_at IS NULL))
);
CREATE INDEX letters_due_at_idx ON letters (due_at) WHERE state = 'waiting';
CREATE INDEX letters_settled_at_idx ON letters (settled_at) WHERE state <> 'waiting';
CREATE INDEX letters_recipient_idx ON letters (recipient);
COMMENT ON TABLE letters IS 'A row is a letter that is to be sent, or was.';
COMMENT ON COLUMN letters.letter_id IS 'UUIDv7, made by the service; its Message-ID is made of it.';
COMMENT ON COLUMN letters.recipient IS 'The address that it goes to.';
COMMENT ON COLUMN letters.kind IS 'Which letter, as `email_verification`.';
COMMENT ON COLUMN letters.sealed IS 'What is in it, encrypted with the master key; null once nobody needs it.';
COMMENT ON COLUMN letters.state IS 'Whether it is `waiting`, was `sent`, or never will be: `dead`.';
COMMENT ON COLUMN letters.created_at IS 'When it was written.';
COMMENT ON COLUMN letters.useful_until IS 'When it is too late to send it.';
COMMENT ON COLUMN letters.due_at IS 'When to try next; while somebody tries, when others may.';
COMMENT ON COLUMN letters.attempts IS 'How often it was tried.';
COMMENT ON COLUMN letters.worker_id IS 'Which worker tried last.';
COMMENT ON COLUMN letters.settled_at IS 'When it was sent or given up.';
COMMENT ON COLUMN letters.failure IS 'Why it was not sent, in a word; empty while somebody tries.';
