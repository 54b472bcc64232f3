-- auth.devices.sessions
SELECT sessions.session_id, sessions.user_id
FROM devices
JOIN sessions USING (session_id)
WHERE token_hash = $1 AND sessions.ended_at IS NULL AND sessions.expires_at > now()
