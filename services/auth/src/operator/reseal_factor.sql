-- auth.operator.reseal_factor
UPDATE factors
SET sealed = $3
WHERE factor_id = $1::text::uuid AND sealed = $2
RETURNING factor_id
