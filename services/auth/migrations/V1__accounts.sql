-- auth.migrations.accounts
CREATE TABLE users (
    user_id       uuid NOT NULL,
    email         text NOT NULL,
    username      text NOT NULL,
    display_name  text NOT NULL,
    roles         text[] NOT NULL DEFAULT '{}',
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT users_pkey PRIMARY KEY (user_id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_email_is_normal CHECK (email = lower(email)),
    CONSTRAINT users_roles_are_known CHECK (roles <@ ARRAY['editor', 'admin'])
);
CREATE UNIQUE INDEX users_username_key ON users (lower(username));
CREATE INDEX users_created_at_idx ON users (created_at DESC, user_id DESC);
COMMENT ON TABLE users IS 'A row is an account.';
COMMENT ON COLUMN users.user_id IS 'UUIDv7, made by the service.';
COMMENT ON COLUMN users.email IS 'The address to sign in with, in lower case.';
COMMENT ON COLUMN users.username IS 'The unique name, as its owner writes it.';
COMMENT ON COLUMN users.display_name IS 'The name shown to others; the user name if empty.';
COMMENT ON COLUMN users.roles IS 'Ranks above that of a user.';
COMMENT ON COLUMN users.password_hash IS 'Argon2id in PHC format; empty: no password opens it.';
COMMENT ON COLUMN users.created_at IS 'When the account was made.';
COMMENT ON COLUMN users.updated_at IS 'When it was last changed.';

CREATE TABLE sessions (
    session_id uuid NOT NULL,
    user_id    uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,

    CONSTRAINT sessions_pkey PRIMARY KEY (session_id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (user_id) ON DELETE CASCADE
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id, expires_at);
COMMENT ON TABLE sessions IS 'A row is a device that signed in: a family of refresh tokens.';
COMMENT ON COLUMN sessions.session_id IS 'UUIDv7, made by the service.';
COMMENT ON COLUMN sessions.user_id IS 'Who signed in.';
COMMENT ON COLUMN sessions.created_at IS 'When.';
COMMENT ON COLUMN sessions.expires_at IS 'When the session ends, however much it is used.';
COMMENT ON COLUMN sessions.ended_at IS 'When it was ended before that, by its user or by us.';

CREATE TABLE refresh_tokens (
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    successor  bytea,

    CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash),
    CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id)
        REFERENCES sessions (session_id) ON DELETE CASCADE,
    CONSTRAINT refresh_tokens_used_once CHECK ((used_at IS NULL) = (successor IS NULL))
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);
COMMENT ON TABLE refresh_tokens IS 'A row is a refresh token, used or not.';
COMMENT ON COLUMN refresh_tokens.token_hash IS 'Its SHA-256: the token itself is only with its owner.';
COMMENT ON COLUMN refresh_tokens.session_id IS 'The session it keeps alive.';
COMMENT ON COLUMN refresh_tokens.created_at IS 'When it was issued.';
COMMENT ON COLUMN refresh_tokens.expires_at IS 'When it ends unless it is used.';
COMMENT ON COLUMN refresh_tokens.used_at IS 'When it was first exchanged for its successor.';
COMMENT ON COLUMN refresh_tokens.successor IS 'The successor, sealed with the token itself as the key.';

CREATE TABLE sign_in_links (
    token_hash bytea NOT NULL,
    user_id    uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,

    CONSTRAINT sign_in_links_pkey PRIMARY KEY (token_hash),
    CONSTRAINT sign_in_links_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (user_id) ON DELETE CASCADE
);
CREATE INDEX sign_in_links_user_id_idx ON sign_in_links (user_id);
COMMENT ON TABLE sign_in_links IS 'A row is a link that signs an admin in once.';
COMMENT ON COLUMN sign_in_links.token_hash IS 'The SHA-256 of the token in the link.';
COMMENT ON COLUMN sign_in_links.user_id IS 'Who it signs in.';
COMMENT ON COLUMN sign_in_links.expires_at IS 'When it ends unless it is used.';
COMMENT ON COLUMN sign_in_links.used_at IS 'When it was used.';

CREATE TABLE signing_keys (
    kid        text NOT NULL,
    sealed     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT signing_keys_pkey PRIMARY KEY (kid)
);
COMMENT ON TABLE signing_keys IS 'A row is a key that signs access tokens.';
COMMENT ON COLUMN signing_keys.kid IS 'Its RFC 7638 thumbprint.';
COMMENT ON COLUMN signing_keys.sealed IS 'The private key (PKCS#8), encrypted with the master key.';
COMMENT ON COLUMN signing_keys.created_at IS 'When it was made.';
