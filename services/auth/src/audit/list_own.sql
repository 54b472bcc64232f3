-- auth.audit.list_own
WITH found AS (
    SELECT *
    FROM audit_log
    WHERE position < $1 AND subject_id = $2
    ORDER BY position DESC
    LIMIT $3
)
