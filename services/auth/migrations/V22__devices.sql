-- auth.migrations.devices
SET LOCAL lock_timeout = '5s';
ALTER TABLE sessions
    ADD COLUMN device_name  text NOT NULL DEFAULT '',
    ADD COLUMN address      text NOT NULL DEFAULT '',
    ADD COLUMN last_seen_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN sessions.device_name IS 'What the device is called.';
COMMENT ON COLUMN sessions.address IS 'The address that it was last seen at.';
COMMENT ON COLUMN sessions.last_seen_at IS 'When it was last seen, to a minute or two.';

CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE devices (
    token_hash   bytea NOT NULL,
    user_id      uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    session_id   uuid,

    CONSTRAINT devices_pkey PRIMARY KEY (token_hash, user_id),
    CONSTRAINT devices_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES users (user_id) ON DELETE CASCADE
);
CREATE INDEX devices_user_id_idx ON devices (user_id, last_seen_at);
COMMENT ON TABLE devices IS 'A row is a user who signed in with a device.';
COMMENT ON COLUMN devices.token_hash IS 'SHA-256 of what the device was given to be known by.';
COMMENT ON COLUMN devices.user_id IS 'Who signed in with it.';
COMMENT ON COLUMN devices.created_at IS 'When they first did.';
COMMENT ON COLUMN devices.last_seen_at IS 'When they last did.';
COMMENT ON COLUMN devices.expires_at IS 'When the device is forgotten unless they do again.';
COMMENT ON COLUMN devices.session_id IS 'The session that they opened with it last; the next sign-in with the device ends it.';
