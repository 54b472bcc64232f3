-- auth.audit.row
SELECT
    found.position,
    found.occurred_at,
    found.kind,
    found.actor_id,
    found.subject_id,
    found.session_id,
    found.request_id,
    found.details,
    COALESCE(audit_private.private, '') AS private
FROM found
LEFT JOIN audit_private ON audit_private.position = found.position
