-- content.posts.target
WITH target AS (
    SELECT
        *,
        author_id = $2 OR $3 AS is_writer,
        COALESCE(version = ANY($4), true) AS is_meant
    FROM posts
    WHERE post_id = $1 AND (author_id = $2 OR published_at IS NOT NULL)
    FOR UPDATE
)
