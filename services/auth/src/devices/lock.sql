-- auth.devices.lock
SELECT user_id
FROM devices
WHERE token_hash = $1
ORDER BY user_id
FOR UPDATE
