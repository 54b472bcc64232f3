-- auth.machines.use_key
UPDATE api_keys
SET last_used_at = now(), last_used_address = $2
WHERE key_id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
RETURNING key_id
