-- auth.machines.delete_key
DELETE FROM api_keys
WHERE key_id = $1 AND ($3 OR user_id = $2)
RETURNING user_id, service_account_id
