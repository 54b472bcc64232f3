-- content.posts.author
SELECT author_id
FROM posts
WHERE post_id = $1
