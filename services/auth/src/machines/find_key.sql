-- auth.machines.find_key
SELECT
    api_keys.key_id,
    api_keys.user_id,
    api_keys.service_account_id,
    api_keys.secret_hash,
    api_keys.scopes,
    api_keys.expires_at,
    COALESCE(users.roles, service_accounts.roles) AS roles,
    users.suspended_at IS NOT NULL AS is_suspended
FROM api_keys
LEFT JOIN users USING (user_id)
LEFT JOIN service_accounts USING (service_account_id)
WHERE api_keys.key_id = $1
FOR NO KEY UPDATE OF api_keys
