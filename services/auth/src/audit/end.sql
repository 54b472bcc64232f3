-- auth.audit.end
SELECT position
FROM audit_log
ORDER BY position DESC
LIMIT 1
