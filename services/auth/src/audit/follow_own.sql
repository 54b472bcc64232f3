-- auth.audit.follow_own
WITH found AS (
    SELECT *
    FROM audit_log
    WHERE subject_id = $1 AND position > $2 AND position <= $3
    ORDER BY position
    LIMIT $4
)
