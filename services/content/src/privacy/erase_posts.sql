-- content.privacy.erase_posts
WITH erased AS (
    DELETE FROM posts
    WHERE author_id = $1 AND post_id IN (
        SELECT post_id
        FROM posts
        WHERE author_id = $1
        LIMIT 500
    )
    RETURNING post_id
)
SELECT count(*)::int AS posts
FROM erased
