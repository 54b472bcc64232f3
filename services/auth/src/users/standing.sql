-- auth.users.standing
SELECT
    users.email,
    users.email_verified,
    users.username,
    users.display_name,
    users.password_hash,
    sessions.authenticated_at > now() - interval '10 minutes' AS is_fresh,
    EXISTS (
        SELECT
        FROM factors
        WHERE factors.user_id = users.user_id AND confirmed_at IS NOT NULL
    ) AS has_second_factor
FROM users
JOIN sessions USING (user_id)
WHERE users.user_id = $1
    AND sessions.session_id = $2
    AND sessions.ended_at IS NULL
    AND sessions.expires_at > now()
