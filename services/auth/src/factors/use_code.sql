-- auth.factors.use_code
UPDATE recovery_codes
SET used_at = now()
WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL
RETURNING code_hash
