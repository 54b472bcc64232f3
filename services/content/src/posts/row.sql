-- content.posts.row
SELECT
    post_id,
    author_id,
    title,
    slug,
    CASE WHEN with_body THEN body END AS body,
    tags,
    published_at,
    created_at,
    updated_at,
    version::text AS etag
FROM found
