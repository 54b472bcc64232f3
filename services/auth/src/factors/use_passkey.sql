-- auth.factors.use_passkey
UPDATE factors
SET sealed = $2, last_used_at = now()
WHERE factor_id = $1
RETURNING factor_id
