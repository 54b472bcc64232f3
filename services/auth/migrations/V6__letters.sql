-- auth.migrations.letters
CREATE TABLE letters (
    letter_id  uuid NOT NULL,
    recipient  text NOT NULL,
    kind       text NOT NULL,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT letters_pkey PRIMARY KEY (letter_id)
);
COMMENT ON TABLE letters IS 'A row is a letter that is to be sent.';
COMMENT ON COLUMN letters.letter_id IS 'UUIDv7, made by the service.';
COMMENT ON COLUMN letters.recipient IS 'The address that it goes to.';
COMMENT ON COLUMN letters.kind IS 'Which letter, as `email_verification`.';
COMMENT ON COLUMN letters.sealed IS 'What is in it, encrypted with the master key.';
COMMENT ON COLUMN letters.created_at IS 'When it was written.';
