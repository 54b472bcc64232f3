-- content.migrations.replies
CREATE TABLE replies (
    reply_id   bytea NOT NULL,
    request    bytea NOT NULL,
    sealed     bytea NOT NULL,
    expires_at timestamptz NOT NULL,

    CONSTRAINT replies_pkey PRIMARY KEY (reply_id)
);
CREATE INDEX replies_expires_at_idx ON replies (expires_at);
COMMENT ON TABLE replies IS 'A row is a request with an idempotency key and the reply to it.';
COMMENT ON COLUMN replies.reply_id IS 'HMAC-SHA-256 of the caller, the method and the key.';
COMMENT ON COLUMN replies.request IS 'HMAC-SHA-256 of what was asked: another request with the same key is a mistake.';
COMMENT ON COLUMN replies.sealed IS 'The reply, encrypted with the master key: it may hold tokens.';
COMMENT ON COLUMN replies.expires_at IS 'Until when the request gets the same reply again.';
