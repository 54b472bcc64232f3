-- auth.audit.insert_checkpoint
INSERT INTO audit_checkpoints (
    number,
    made_at,
    position,
    hash,
    pruned_position,
    pruned_hash,
    previous,
    key,
    signature
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING number
