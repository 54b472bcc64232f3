-- auth.audit.follow
WITH found AS (
    SELECT *
    FROM audit_log
    WHERE position > $1 AND kind ~>=~ $2 AND kind ~<~ $3
    ORDER BY position
    LIMIT $4
)
