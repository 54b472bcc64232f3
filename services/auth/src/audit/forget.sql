-- auth.audit.forget
DELETE FROM audit_private
WHERE position IN (
    SELECT position
    FROM audit_log
    WHERE actor_id = $1
    UNION
    SELECT position
    FROM audit_log
    WHERE subject_id = $1
)
RETURNING position
