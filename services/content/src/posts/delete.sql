-- content.posts.delete
DELETE FROM posts
USING target
WHERE
    posts.post_id = target.post_id
    AND posts.author_id = target.author_id
    AND target.is_writer
    AND target.is_meant
RETURNING posts.*, false AS with_body
