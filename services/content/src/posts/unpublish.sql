-- content.posts.unpublish
UPDATE posts
SET
    published_at = NULL,
    version = posts.version + (asked.changes <> '{}')::int,
    changed_in = posts.changed_in || asked.changes,
    updated_at = CASE WHEN asked.changes = '{}' THEN posts.updated_at ELSE now() END
FROM target
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN target.published_at IS NULL THEN '{}'
            ELSE jsonb_build_object(
                'status', target.version + 1,
                'published_at', target.version + 1
            )
        END AS changes
) AS asked
WHERE
    posts.post_id = target.post_id
    AND posts.author_id = target.author_id
    AND target.is_writer
    AND target.is_meant
RETURNING posts.*, true AS with_body
