-- auth.users.standing
SELECT
    users.email,
    users.email_verified,
    users.username,
    users.display_name,
    users.password_hash,
    sessions.authenticated_at > now() - interval '10 minutes' AS is_fresh
FROM users
JOIN sessions USING (user_id)
WHERE users.user_id = $1
    AND sessions.session_id = $2
    AND sessions.ended_at IS NULL
    AND sessions.expires_at > now()
