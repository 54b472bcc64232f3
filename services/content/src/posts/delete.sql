-- content.posts.delete
DELETE FROM posts
WHERE post_id = $1 AND (author_id = $2 OR ($3 AND published_at IS NOT NULL))
RETURNING post_id
