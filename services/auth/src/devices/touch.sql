-- auth.devices.touch
UPDATE devices
SET last_seen_at = now(), expires_at = now() + interval '400 days', session_id = $3
WHERE token_hash = $1 AND user_id = $2 AND expires_at > now()
RETURNING expires_at
