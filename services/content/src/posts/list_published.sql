-- content.posts.list_published
WITH found AS (
    SELECT *, false AS with_body
    FROM posts
    WHERE published_at IS NOT NULL AND (published_at, post_id) < ($1, $2)
    ORDER BY published_at DESC, post_id DESC
    LIMIT $3
)
