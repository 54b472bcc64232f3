-- content.posts.update
WITH found AS (
    UPDATE posts
    SET
        slug = CASE WHEN first_published_at IS NULL THEN COALESCE($4, slug) ELSE slug END,
        title = COALESCE($5, title),
        body = COALESCE($6, body),
        tags = COALESCE($7, tags),
        updated_at = now()
    WHERE post_id = $1 AND (author_id = $2 OR ($3 AND published_at IS NOT NULL))
    RETURNING *, true AS with_body
)
