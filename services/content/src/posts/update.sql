-- content.posts.update
UPDATE posts
SET
    slug = asked.slug,
    title = COALESCE($6, posts.title),
    body = COALESCE($7, posts.body),
    tags = COALESCE($8, posts.tags),
    version = posts.version + (asked.changes <> '{}')::int,
    changed_in = posts.changed_in || asked.changes,
    updated_at = CASE WHEN asked.changes = '{}' THEN posts.updated_at ELSE now() END
FROM target
CROSS JOIN LATERAL (
    SELECT
        new.slug,
        jsonb_strip_nulls(jsonb_build_object(
            'slug', CASE WHEN new.slug <> target.slug THEN new.version END,
            'title', CASE WHEN $6 <> target.title THEN new.version END,
            'body', CASE WHEN $7 <> target.body THEN new.version END,
            'tags', CASE WHEN $8 <> target.tags THEN new.version END
        )) AS changes
    FROM (
        SELECT
            target.version + 1 AS version,
            CASE
                WHEN target.first_published_at IS NULL AND $6 <> target.title
                THEN COALESCE($5, target.slug)
                ELSE target.slug
            END AS slug
    ) AS new
) AS asked
WHERE
    posts.post_id = target.post_id
    AND posts.author_id = target.author_id
    AND target.is_writer
    AND target.is_meant
RETURNING posts.*, true AS with_body
