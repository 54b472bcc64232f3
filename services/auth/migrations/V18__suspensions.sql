-- auth.migrations.suspensions
ALTER TABLE users ADD COLUMN IF NOT EXISTS suspended_at timestamptz;
COMMENT ON COLUMN users.suspended_at IS 'Since when nobody may act as this user; null: they may.';
