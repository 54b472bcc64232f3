-- content.privacy.erase_posts
WITH erased AS (
    DELETE FROM posts
    WHERE author_id = $1
    RETURNING post_id
)
SELECT count(*)::int AS posts
FROM erased
