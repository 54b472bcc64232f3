-- auth.machines.delete_expired
DELETE FROM api_keys
WHERE (user_id = $1 OR service_account_id = $2) AND expires_at < now()
RETURNING key_id
