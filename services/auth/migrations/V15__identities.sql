-- auth.migrations.identities
CREATE TABLE identities (
    identity_id  uuid NOT NULL,
    user_id      uuid NOT NULL,
    issuer       text NOT NULL,
    subject      text NOT NULL,
    email        text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,

    CONSTRAINT identities_pkey PRIMARY KEY (identity_id),
    CONSTRAINT identities_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (user_id) ON DELETE CASCADE,
    CONSTRAINT identities_subject_key UNIQUE (issuer, subject),
    CONSTRAINT identities_issuer_key UNIQUE (user_id, issuer)
);
COMMENT ON TABLE identities IS 'A row is an account of another site that signs somebody in.';
COMMENT ON COLUMN identities.identity_id IS 'UUIDv7, made by the service.';
COMMENT ON COLUMN identities.user_id IS 'Who it signs in.';
COMMENT ON COLUMN identities.issuer IS 'The site: the issuer of its tokens.';
COMMENT ON COLUMN identities.subject IS 'Who it is there. Only issuer and subject name somebody; addresses change hands.';
COMMENT ON COLUMN identities.email IS 'The address that the site told when it was linked, to be shown to its owner.';
COMMENT ON COLUMN identities.created_at IS 'When it was linked.';
COMMENT ON COLUMN identities.last_used_at IS 'When it last signed in.';

CREATE TABLE identity_flows (
    flow_hash   bytea NOT NULL,
    provider    text NOT NULL,
    return_path text NOT NULL,
    session_id  uuid,
    expires_at  timestamptz NOT NULL,

    CONSTRAINT identity_flows_pkey PRIMARY KEY (flow_hash),
    CONSTRAINT identity_flows_session_id_fkey FOREIGN KEY (session_id)
        REFERENCES sessions (session_id) ON DELETE CASCADE
);
CREATE INDEX identity_flows_expires_at_idx ON identity_flows (expires_at);
CREATE INDEX identity_flows_session_id_idx ON identity_flows (session_id)
    WHERE session_id IS NOT NULL;
COMMENT ON TABLE identity_flows IS 'A row is a visit to another site, from which somebody has not come back yet.';
COMMENT ON COLUMN identity_flows.flow_hash IS 'The SHA-256 of the token that only the browser has; state, nonce and PKCE verifier are made of it.';
COMMENT ON COLUMN identity_flows.provider IS 'The site.';
COMMENT ON COLUMN identity_flows.return_path IS 'Where the browser goes in the end.';
COMMENT ON COLUMN identity_flows.session_id IS 'The session that links an account; null: somebody signs in.';
COMMENT ON COLUMN identity_flows.expires_at IS 'When it is too late to come back.';
