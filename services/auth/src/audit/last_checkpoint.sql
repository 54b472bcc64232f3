-- auth.audit.last_checkpoint
SELECT
    number,
    made_at,
    position,
    hash,
    pruned_position,
    pruned_hash,
    previous,
    key,
    signature,
    clock_timestamp() AS now
FROM audit_checkpoints
ORDER BY number DESC
LIMIT 1
