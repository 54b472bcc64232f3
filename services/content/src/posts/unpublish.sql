-- content.posts.unpublish
WITH found AS (
    UPDATE posts
    SET
        published_at = NULL,
        updated_at = CASE WHEN published_at IS NULL THEN updated_at ELSE now() END
    WHERE post_id = $1 AND (author_id = $2 OR ($3 AND published_at IS NOT NULL))
    RETURNING *, true AS with_body
)
