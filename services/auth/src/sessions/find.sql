-- auth.sessions.find
SELECT
    session_id,
    created_at AS opened_at,
    expires_at AS ends_at,
    device_name,
    address,
    last_seen_at,
    impersonator_id
FROM sessions
WHERE session_id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > now()
