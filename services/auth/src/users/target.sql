-- auth.users.target
WITH target AS (
    SELECT *, COALESCE(version = ANY($2), true) AS is_meant
    FROM users
    WHERE user_id = $1
    FOR UPDATE
)
