-- auth.migrations.openings
ALTER TABLE sessions
    ADD COLUMN authenticated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN proofs           text[] NOT NULL DEFAULT '{}',
    ADD COLUMN impersonator_id  uuid,
    ADD CONSTRAINT sessions_impersonator_id_fkey FOREIGN KEY (impersonator_id)
        REFERENCES users (user_id) ON DELETE CASCADE;
CREATE INDEX sessions_impersonator_id_idx ON sessions (impersonator_id)
    WHERE impersonator_id IS NOT NULL;
COMMENT ON COLUMN sessions.authenticated_at IS 'When the user last proved who they are.';
COMMENT ON COLUMN sessions.proofs IS 'With what, in the names of RFC 8176.';
COMMENT ON COLUMN sessions.impersonator_id IS 'Who acts in the name of the user, if another does.';
