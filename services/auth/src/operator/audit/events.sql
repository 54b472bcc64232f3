-- auth.operator.audit.events
SELECT
    audit_log.position,
    audit_log.chained_at,
    audit_log.sequence,
    audit_log.occurred_at,
    audit_log.kind,
    audit_log.actor_id,
    audit_log.subject_id,
    audit_log.session_id,
    audit_log.request_id,
    audit_log.details,
    audit_log.private_mark,
    audit_log.hash,
    audit_private.private,
    audit_private.salt
FROM audit_log
LEFT JOIN audit_private USING (position)
WHERE (audit_log.position, audit_log.chained_at) > ($1, $2)
ORDER BY audit_log.position, audit_log.chained_at
LIMIT $3
