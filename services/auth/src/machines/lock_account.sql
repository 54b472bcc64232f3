-- auth.machines.lock_account
SELECT name
FROM service_accounts
WHERE service_account_id = $1
FOR UPDATE
