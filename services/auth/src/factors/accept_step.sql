-- auth.factors.accept_step
UPDATE factors
SET last_step = $2, wrong_codes = 0, last_used_at = now()
WHERE factor_id = $1 AND last_step < $2
RETURNING factor_id
