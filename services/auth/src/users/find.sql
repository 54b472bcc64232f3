-- auth.users.find
WITH found AS (
    SELECT *
    FROM users
    WHERE user_id = $1
)
