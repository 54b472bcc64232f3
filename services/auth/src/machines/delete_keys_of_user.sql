-- auth.machines.delete_keys_of_user
DELETE FROM api_keys
WHERE user_id = $1
RETURNING key_id
