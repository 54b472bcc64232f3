-- auth.audit.head
SELECT position, hash, GREATEST(known_at, clock_timestamp()) AS now
FROM (
    (
        SELECT position, hash, chained_at AS known_at
        FROM audit_log
        ORDER BY position DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT position, hash, made_at
        FROM audit_checkpoints
        ORDER BY number DESC
        LIMIT 1
    )
    UNION ALL
    SELECT 0, decode(repeat('00', 32), 'hex'), '-infinity'
) AS ends
ORDER BY position DESC, known_at DESC
LIMIT 1
