-- auth.machines.ensure_service
INSERT INTO service_accounts (service_account_id, name, roles)
VALUES ($1, $2, ARRAY['service'])
ON CONFLICT (name) DO UPDATE
SET name = excluded.name
WHERE 'service' = ANY(service_accounts.roles)
RETURNING service_account_id
