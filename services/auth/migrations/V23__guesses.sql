-- auth.migrations.guesses
CREATE TABLE sign_in_attempts (
    attempt_key bytea NOT NULL,
    failures    integer NOT NULL,
    tried_at    timestamptz NOT NULL,
    is_let_in   boolean NOT NULL,

    CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (attempt_key)
) WITH (fillfactor = 70);
CREATE INDEX sign_in_attempts_tried_at_idx ON sign_in_attempts (tried_at);
COMMENT ON TABLE sign_in_attempts IS 'A row counts the sign-ins to an address that failed one after the other, there being such an account or not; of a known device it counts its own, and of an account the wrong passwords that were given within its sessions.';
COMMENT ON COLUMN sign_in_attempts.attempt_key IS 'HMAC-SHA-256 of the address, and of the device if it is known; or of the account.';
COMMENT ON COLUMN sign_in_attempts.failures IS 'How many failed, those under way included.';
COMMENT ON COLUMN sign_in_attempts.tried_at IS 'When the last one was made that was let in.';
COMMENT ON COLUMN sign_in_attempts.is_let_in IS 'Whether the last one of all was let in, or came too early.';

CREATE TABLE sign_in_guesses (
    network    bytea NOT NULL,
    guess      bytea NOT NULL,
    guessed_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT sign_in_guesses_pkey PRIMARY KEY (network, guess)
);
CREATE INDEX sign_in_guesses_network_idx ON sign_in_guesses (network, guessed_at);
CREATE INDEX sign_in_guesses_guessed_at_idx ON sign_in_guesses (guessed_at);
COMMENT ON TABLE sign_in_guesses IS 'A row is an address and a password that came from a network and did not fit.';
COMMENT ON COLUMN sign_in_guesses.network IS 'HMAC-SHA-256 of the network of the client.';
COMMENT ON COLUMN sign_in_guesses.guess IS 'HMAC-SHA-256 of the address, and so few bits of one of the password that it tells guesses apart and nobody what was guessed.';
COMMENT ON COLUMN sign_in_guesses.guessed_at IS 'When it was made.';
