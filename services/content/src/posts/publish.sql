-- content.posts.publish
WITH found AS (
    UPDATE posts
    SET
        published_at = COALESCE(published_at, now()),
        first_published_at = COALESCE(first_published_at, now()),
        updated_at = CASE WHEN published_at IS NULL THEN now() ELSE updated_at END
    WHERE post_id = $1 AND (author_id = $2 OR ($3 AND published_at IS NOT NULL))
    RETURNING *, true AS with_body
)
