-- content.posts.list_by_author
WITH found AS (
    SELECT *, false AS with_body
    FROM posts
    WHERE
        author_id = $4
        AND (published_at IS NOT NULL OR $5)
        AND (created_at, post_id) < ($1, $2)
    ORDER BY created_at DESC, post_id DESC
    LIMIT $3
)
