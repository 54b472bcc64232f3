-- content.privacy.list_posts
SELECT
    post_id,
    author_id,
    title,
    slug,
    body,
    tags,
    published_at,
    first_published_at,
    created_at,
    updated_at,
    version::text AS etag
FROM posts
WHERE author_id = $1 AND (created_at, post_id) > ($2, $3)
ORDER BY created_at, post_id
LIMIT $4
