-- content.posts.insert
WITH found AS (
    INSERT INTO posts (post_id, author_id, slug, title, body, tags)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT ON CONSTRAINT posts_author_slug_key DO NOTHING
    RETURNING *, true AS with_body
)
