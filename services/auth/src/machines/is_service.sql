-- auth.machines.is_service
SELECT service_account_id
FROM service_accounts
WHERE service_account_id = $1 AND 'service' = ANY(roles)
