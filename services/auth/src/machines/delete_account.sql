-- auth.machines.delete_account
DELETE FROM service_accounts
WHERE service_account_id = $1
RETURNING service_account_id
