-- auth.machines.list_keys
SELECT key_id, name, scopes, created_at, expires_at, last_used_at, last_used_address
FROM api_keys
WHERE user_id = $1 OR service_account_id = $2
ORDER BY created_at DESC, key_id DESC
