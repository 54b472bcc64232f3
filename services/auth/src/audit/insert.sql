-- auth.audit.insert
INSERT INTO audit_events (kind, actor_id, subject_id, session_id, address, request_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING sequence
