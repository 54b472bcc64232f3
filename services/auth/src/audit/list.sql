-- auth.audit.list
WITH found AS (
    SELECT *
    FROM audit_log
    WHERE
        position < $1
        AND kind ~>=~ $2
        AND kind ~<~ $3
        AND ($4::uuid IS NULL OR actor_id = $4)
        AND ($5::uuid IS NULL OR subject_id = $5)
        AND ($6::timestamptz IS NULL OR (occurred_at >= $6 AND chained_at >= $6))
        AND ($7::timestamptz IS NULL OR occurred_at < $7)
    ORDER BY position DESC
    LIMIT $8
)
