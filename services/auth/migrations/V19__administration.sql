-- auth.migrations.administration
ALTER TABLE users ADD COLUMN suspended_at timestamptz;
COMMENT ON COLUMN users.suspended_at IS 'Since when nobody can sign in to it; null: they can.';
CREATE INDEX users_suspended_idx ON users (created_at DESC, user_id DESC)
    WHERE suspended_at IS NOT NULL;
CREATE INDEX users_roles_idx ON users USING gin (roles);
CREATE INDEX users_email_prefix_idx ON users (email text_pattern_ops);
CREATE INDEX users_username_prefix_idx ON users (lower(username) text_pattern_ops);
CREATE INDEX users_words_idx ON users USING gin (
    to_tsvector('simple', translate(username || ' ' || display_name, '._-@', '    '))
);
