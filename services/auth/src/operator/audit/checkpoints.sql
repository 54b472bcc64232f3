-- auth.operator.audit.checkpoints
SELECT
    number,
    made_at,
    position,
    hash,
    pruned_position,
    pruned_hash,
    previous,
    key,
    signature
FROM audit_checkpoints
WHERE number > $1
ORDER BY number
LIMIT $2
