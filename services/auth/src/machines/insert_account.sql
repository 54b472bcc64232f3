-- auth.machines.insert_account
INSERT INTO service_accounts (service_account_id, name, roles)
SELECT $1, $2, $3
WHERE (SELECT count(*) FROM service_accounts) < $4
RETURNING service_account_id, name, roles, created_at
