-- auth.factors.lock_passkey
SELECT factor_id, user_id, sealed
FROM factors
WHERE credential_id = $1 AND confirmed_at IS NOT NULL
FOR UPDATE
