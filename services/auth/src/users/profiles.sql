-- auth.users.profiles
SELECT
    user_id,
    username,
    COALESCE(NULLIF(display_name, ''), username) AS display_name
FROM users
WHERE user_id = ANY($1)
