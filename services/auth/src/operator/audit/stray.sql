-- auth.operator.audit.stray
SELECT audit_private.position
FROM audit_private
LEFT JOIN audit_log USING (position)
WHERE audit_log.position IS NULL
ORDER BY audit_private.position
LIMIT 1
