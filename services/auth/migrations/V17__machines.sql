-- auth.migrations.machines
CREATE TABLE service_accounts (
    service_account_id uuid NOT NULL,
    name               text NOT NULL,
    roles              text[] NOT NULL DEFAULT '{}',
    created_at         timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT service_accounts_pkey PRIMARY KEY (service_account_id),
    CONSTRAINT service_accounts_name_key UNIQUE (name),
    CONSTRAINT service_accounts_roles_are_known CHECK (roles <@ ARRAY['editor', 'admin', 'service'])
);
COMMENT ON TABLE service_accounts IS 'A row is an account of a machine, which nobody can sign in to.';
COMMENT ON COLUMN service_accounts.service_account_id IS 'UUIDv7, made by the service.';
COMMENT ON COLUMN service_accounts.name IS 'The unique name.';
COMMENT ON COLUMN service_accounts.roles IS 'What it may do besides what everybody may; service: it is a service of the product.';
COMMENT ON COLUMN service_accounts.created_at IS 'When it was made.';

CREATE TABLE api_keys (
    key_id             uuid NOT NULL,
    user_id            uuid,
    service_account_id uuid,
    secret_hash        bytea NOT NULL,
    name               text NOT NULL,
    scopes             text[] NOT NULL DEFAULT '{}',
    created_at         timestamptz NOT NULL DEFAULT now(),
    expires_at         timestamptz NOT NULL,
    last_used_at       timestamptz,
    last_used_address  text NOT NULL DEFAULT '',

    CONSTRAINT api_keys_pkey PRIMARY KEY (key_id),
    CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT api_keys_service_account_id_fkey FOREIGN KEY (service_account_id)
        REFERENCES service_accounts (service_account_id) ON DELETE CASCADE,
    CONSTRAINT api_keys_have_one_owner CHECK (num_nonnulls(user_id, service_account_id) = 1)
);
CREATE INDEX api_keys_user_id_idx ON api_keys (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX api_keys_service_account_id_idx ON api_keys (service_account_id)
    WHERE service_account_id IS NOT NULL;
COMMENT ON TABLE api_keys IS 'A row is a key that a machine exchanges for access tokens.';
COMMENT ON COLUMN api_keys.key_id IS 'UUIDv7, made by the service; part of the key itself, and the session of its tokens.';
COMMENT ON COLUMN api_keys.user_id IS 'Whose it is, if it is a user''s.';
COMMENT ON COLUMN api_keys.service_account_id IS 'Whose it is, if it is a service account''s.';
COMMENT ON COLUMN api_keys.secret_hash IS 'The SHA-256 of the key: the key itself is only with its owner.';
COMMENT ON COLUMN api_keys.name IS 'What its owner calls it.';
COMMENT ON COLUMN api_keys.scopes IS 'What it may be used for.';
COMMENT ON COLUMN api_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN api_keys.expires_at IS 'When it ends.';
COMMENT ON COLUMN api_keys.last_used_at IS 'When it was last exchanged, to the minute.';
COMMENT ON COLUMN api_keys.last_used_address IS 'From which address.';
