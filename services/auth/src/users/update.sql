-- auth.users.update
UPDATE users
SET
    username = COALESCE($3, users.username),
    username_skeleton = CASE
        WHEN $3 <> target.username THEN $5
        ELSE users.username_skeleton
    END,
    display_name = COALESCE($4, users.display_name),
    version = users.version + (asked.changes <> '{}')::int,
    changed_in = users.changed_in || asked.changes,
    updated_at = CASE WHEN asked.changes = '{}' THEN users.updated_at ELSE now() END
FROM target
CROSS JOIN LATERAL (
    SELECT
        jsonb_strip_nulls(jsonb_build_object(
            'username', CASE WHEN $3 <> target.username THEN target.version + 1 END,
            'display_name', CASE WHEN $4 <> target.display_name THEN target.version + 1 END
        )) AS changes
) AS asked
WHERE users.user_id = target.user_id AND target.is_meant
RETURNING users.*
