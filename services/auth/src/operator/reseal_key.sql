-- auth.operator.reseal_key
UPDATE signing_keys
SET sealed = $3
WHERE kid = $1 AND sealed = $2
RETURNING kid
