-- auth.machines.delete_keys
DELETE FROM api_keys
WHERE service_account_id = $1 AND ($2::text IS NULL OR name = $2)
RETURNING key_id
