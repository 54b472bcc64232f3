-- auth.administration.target
SELECT roles, suspended_at IS NOT NULL AS is_suspended
FROM users
WHERE user_id = $1
FOR NO KEY UPDATE
