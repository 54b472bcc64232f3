-- auth.migrations.versions
ALTER TABLE users
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN changed_in jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN users.version IS 'Counts the changes that readers can see; it is the etag.';
COMMENT ON COLUMN users.changed_in IS 'The version that changed each field last: {"username": 3}. Fields that never changed are absent.';
