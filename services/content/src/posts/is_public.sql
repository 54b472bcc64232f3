-- content.posts.is_public
SELECT post_id
FROM posts
WHERE post_id = $1 AND published_at IS NOT NULL
