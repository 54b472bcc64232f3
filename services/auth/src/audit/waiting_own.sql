-- auth.audit.waiting_own
SELECT
    0::bigint AS position,
    occurred_at,
    kind,
    actor_id,
    subject_id,
    session_id,
    request_id,
    details,
    private
FROM audit_inbox
WHERE subject_id = $1
ORDER BY sequence
