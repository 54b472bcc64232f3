-- auth.audit.insert
INSERT INTO audit_inbox (kind, actor_id, subject_id, session_id, request_id, details, private, salt)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING sequence
