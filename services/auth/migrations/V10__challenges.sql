-- auth.migrations.challenges
CREATE TABLE challenges (
    challenge_id uuid NOT NULL,
    purpose      text NOT NULL,
    email        text NOT NULL,
    user_id      uuid,
    token_hash   bytea NOT NULL,
    code         bytea NOT NULL,
    tries        integer NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz,

    CONSTRAINT challenges_pkey PRIMARY KEY (challenge_id),
    CONSTRAINT challenges_token_hash_key UNIQUE (token_hash),
    CONSTRAINT challenges_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT challenges_purpose_is_known
        CHECK (purpose IN ('sign_up', 'verify', 'change', 'reset'))
);
CREATE INDEX challenges_email_idx ON challenges (email, purpose, created_at);
CREATE INDEX challenges_user_id_idx ON challenges (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX challenges_created_at_idx ON challenges (created_at);
COMMENT ON TABLE challenges IS 'A row is a letter that proves that its reader reads what is sent to an address.';
COMMENT ON COLUMN challenges.challenge_id IS 'UUIDv7, made by the service.';
COMMENT ON COLUMN challenges.purpose IS 'What it is good for.';
COMMENT ON COLUMN challenges.email IS 'Where the letter went.';
COMMENT ON COLUMN challenges.user_id IS 'Whose account it is about; null: nobody has one yet.';
COMMENT ON COLUMN challenges.token_hash IS 'The SHA-256 of the token in the link.';
COMMENT ON COLUMN challenges.code IS 'The code, sealed with the master key, this row as the context.';
COMMENT ON COLUMN challenges.tries IS 'How many codes were tried.';
COMMENT ON COLUMN challenges.created_at IS 'When it was asked for.';
COMMENT ON COLUMN challenges.expires_at IS 'When it ends unless it is used.';
COMMENT ON COLUMN challenges.used_at IS 'When it was used, or replaced by a newer one.';

CREATE TABLE sign_ups (
    challenge_id      uuid NOT NULL,
    username          text NOT NULL,
    username_skeleton text NOT NULL,
    display_name      text NOT NULL,
    password_hash     text NOT NULL,

    CONSTRAINT sign_ups_pkey PRIMARY KEY (challenge_id),
    CONSTRAINT sign_ups_challenge_id_fkey FOREIGN KEY (challenge_id)
        REFERENCES challenges (challenge_id) ON DELETE CASCADE
);
COMMENT ON TABLE sign_ups IS 'A row is an account that comes into being when its address is proven.';
COMMENT ON COLUMN sign_ups.challenge_id IS 'The letter that proves it.';
COMMENT ON COLUMN sign_ups.username IS 'As in users.';
COMMENT ON COLUMN sign_ups.username_skeleton IS 'As in users.';
COMMENT ON COLUMN sign_ups.display_name IS 'As in users.';
COMMENT ON COLUMN sign_ups.password_hash IS 'As in users.';
