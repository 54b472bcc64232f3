-- auth.users.list
WITH found AS (
    SELECT *
    FROM users
    WHERE (created_at, user_id) < ($1, $2)
    ORDER BY created_at DESC, user_id DESC
    LIMIT $3
)
