-- content.migrations.versions
ALTER TABLE posts
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN changed_in jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN posts.version IS 'Counts the changes that readers can see; it is the etag.';
COMMENT ON COLUMN posts.changed_in IS 'The version that changed each field last: {"title": 3}. Fields that never changed are absent.';
