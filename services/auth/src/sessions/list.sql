-- auth.sessions.list
SELECT
    session_id,
    sessions.created_at AS opened_at,
    expires_at AS ends_at,
    device_name,
    address,
    last_seen_at,
    impersonator_id
FROM sessions
JOIN users USING (user_id)
WHERE
    user_id = $1
    AND ended_at IS NULL
    AND expires_at > now()
    AND last_seen_at + make_interval(secs => CASE WHEN 'admin' = ANY(roles) THEN $3::float8 ELSE $2::float8 END) > now()
ORDER BY last_seen_at DESC, session_id DESC
LIMIT 100
