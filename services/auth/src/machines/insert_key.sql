-- auth.machines.insert_key
INSERT INTO api_keys (key_id, user_id, service_account_id, secret_hash, name, scopes, expires_at)
SELECT $1, $2::uuid, $3::uuid, $4, $5, $6, now() + make_interval(days => $7::integer)
WHERE (
    SELECT count(*)
    FROM api_keys
    WHERE user_id = $2 OR service_account_id = $3
) < $8
RETURNING key_id, name, scopes, created_at, expires_at, last_used_at, last_used_address
