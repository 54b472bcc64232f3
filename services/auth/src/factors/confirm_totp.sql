-- auth.factors.confirm_totp
UPDATE factors
SET confirmed_at = now(), last_step = $2, name = $3
WHERE factor_id = $1 AND confirmed_at IS NULL
RETURNING factor_id, kind, name, confirmed_at, last_used_at
