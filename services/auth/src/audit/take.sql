-- auth.audit.take
WITH taken AS (
    DELETE FROM audit_inbox
    WHERE sequence IN (
        SELECT sequence
        FROM audit_inbox
        ORDER BY sequence
        LIMIT $1
    )
    RETURNING *
)
SELECT
    sequence,
    occurred_at,
    kind,
    actor_id,
    subject_id,
    session_id,
    request_id,
    details,
    private,
    salt
FROM taken
ORDER BY sequence
