-- content.posts.find
WITH found AS (
    SELECT *, true AS with_body
    FROM posts
    WHERE post_id = $1 AND (published_at IS NOT NULL OR author_id = $2)
)
