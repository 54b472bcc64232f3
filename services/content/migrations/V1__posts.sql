-- content.migrations.posts
CREATE TABLE posts (
    post_id            uuid NOT NULL,
    author_id          uuid NOT NULL,
    title              text NOT NULL,
    slug               text NOT NULL,
    body               text NOT NULL,
    tags               text[] NOT NULL,
    published_at       timestamptz,
    first_published_at timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),

    -- The author is part of every key, so that it can be the one to distribute by.
    CONSTRAINT posts_pkey PRIMARY KEY (post_id, author_id),
    CONSTRAINT posts_author_slug_key UNIQUE (author_id, slug),
    CONSTRAINT posts_published_once CHECK (published_at IS NULL OR first_published_at IS NOT NULL)
);
CREATE INDEX posts_author_created_idx ON posts (author_id, created_at DESC, post_id DESC);
CREATE INDEX posts_published_idx ON posts (published_at DESC, post_id DESC)
    WHERE published_at IS NOT NULL;
COMMENT ON TABLE posts IS 'A row is something a user wrote.';
COMMENT ON COLUMN posts.post_id IS 'UUIDv7, made by the service.';
COMMENT ON COLUMN posts.author_id IS 'A user of the auth service, whose tables are not ours to refer to.';
COMMENT ON COLUMN posts.title IS 'What it is called.';
COMMENT ON COLUMN posts.slug IS 'Its name in addresses; fixed once it was published.';
COMMENT ON COLUMN posts.body IS 'The text, in Markdown.';
COMMENT ON COLUMN posts.tags IS 'Words it can be found by.';
COMMENT ON COLUMN posts.published_at IS 'When it was published; null for a draft.';
COMMENT ON COLUMN posts.first_published_at IS 'When it was published for the first time.';
COMMENT ON COLUMN posts.created_at IS 'When it was written.';
COMMENT ON COLUMN posts.updated_at IS 'When it was last changed.';
