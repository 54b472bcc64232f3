-- auth.migrations.factors
CREATE TABLE factors (
    factor_id     uuid NOT NULL,
    user_id       uuid NOT NULL,
    kind          text NOT NULL,
    name          text NOT NULL DEFAULT '',
    sealed        bytea NOT NULL,
    credential_id bytea,
    last_step     bigint NOT NULL DEFAULT 0,
    wrong_codes   integer NOT NULL DEFAULT 0,
    wrong_since   timestamptz NOT NULL DEFAULT now(),
    created_at    timestamptz NOT NULL DEFAULT now(),
    confirmed_at  timestamptz,
    last_used_at  timestamptz,

    CONSTRAINT factors_pkey PRIMARY KEY (factor_id),
    CONSTRAINT factors_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT factors_kind_is_known CHECK (kind IN ('totp', 'passkey')),
    CONSTRAINT factors_credential_id_key UNIQUE (credential_id),
    CONSTRAINT factors_passkey_has_credential
        CHECK ((kind = 'passkey') = (credential_id IS NOT NULL))
);
CREATE INDEX factors_user_id_idx ON factors (user_id);
CREATE UNIQUE INDEX factors_one_totp ON factors (user_id, (confirmed_at IS NULL))
    WHERE kind = 'totp';
COMMENT ON TABLE factors IS 'A row is a second factor of an account.';
COMMENT ON COLUMN factors.factor_id IS 'UUIDv7, made by the service.';
COMMENT ON COLUMN factors.user_id IS 'Whose account.';
COMMENT ON COLUMN factors.kind IS 'What it is: totp or passkey.';
COMMENT ON COLUMN factors.name IS 'What its owner calls it.';
COMMENT ON COLUMN factors.sealed IS 'The secret or the public key, encrypted with the master key for this user and factor.';
COMMENT ON COLUMN factors.credential_id IS 'How the authenticator names a passkey.';
COMMENT ON COLUMN factors.last_step IS 'The last time step whose code was accepted: no step counts twice.';
COMMENT ON COLUMN factors.wrong_codes IS 'How many wrong codes came since wrong_since.';
COMMENT ON COLUMN factors.wrong_since IS 'When the first of them came; they are forgotten after 15 minutes.';
COMMENT ON COLUMN factors.created_at IS 'When it was begun.';
COMMENT ON COLUMN factors.confirmed_at IS 'When its owner showed that they have it; null: it does not count yet.';
COMMENT ON COLUMN factors.last_used_at IS 'When it was last used to sign in.';

CREATE TABLE recovery_codes (
    code_hash  bytea NOT NULL,
    user_id    uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz,

    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
    CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (user_id) ON DELETE CASCADE
);
COMMENT ON TABLE recovery_codes IS 'A row is a code that stands in for a second factor once.';
COMMENT ON COLUMN recovery_codes.code_hash IS 'Its SHA-256: the code itself is only with its owner.';
COMMENT ON COLUMN recovery_codes.user_id IS 'Whose account.';
COMMENT ON COLUMN recovery_codes.created_at IS 'When it was made.';
COMMENT ON COLUMN recovery_codes.used_at IS 'When it was used.';
