-- auth.machines.list_accounts
SELECT service_account_id, name, roles, created_at
FROM service_accounts
ORDER BY created_at DESC, service_account_id DESC
