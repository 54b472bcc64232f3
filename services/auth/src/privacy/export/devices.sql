-- auth.privacy.export.devices
SELECT created_at, last_seen_at, expires_at
FROM devices
WHERE user_id = $1
ORDER BY created_at
