-- auth.devices.replace
UPDATE sessions
SET expires_at = now() + interval '1 minute'
FROM devices
WHERE devices.token_hash = $1
    AND sessions.session_id = devices.session_id
    AND sessions.ended_at IS NULL
    AND sessions.expires_at > now() + interval '1 minute'
RETURNING sessions.session_id, sessions.user_id
