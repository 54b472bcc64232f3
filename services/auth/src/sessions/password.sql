-- auth.sessions.password
SELECT user_id, password_hash
FROM users
WHERE email = $1 AND suspended_at IS NULL
