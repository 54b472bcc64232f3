-- auth.audit.look
WITH chain AS (
    SELECT position
    FROM audit_log
    ORDER BY position DESC
    LIMIT 1
),
checkpoint AS (
    SELECT position, made_at
    FROM audit_checkpoints
    ORDER BY number DESC
    LIMIT 1
)
SELECT
    COALESCE((SELECT position FROM chain), 0) AS position,
    EXISTS (SELECT FROM audit_inbox)
    OR EXISTS (
        SELECT
        FROM chain
        LEFT JOIN checkpoint ON true
        WHERE
            checkpoint.position IS NULL
            OR (
                chain.position > checkpoint.position
                AND checkpoint.made_at <= clock_timestamp() - make_interval(secs => $1)
            )
    ) AS has_work
