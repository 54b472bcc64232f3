-- auth.machines.find_account
SELECT service_account_id
FROM service_accounts
WHERE service_account_id = $1
