-- auth.trust.revoke_sessions
INSERT INTO trust_events (kind, subject_id, expires_at)
SELECT 'session_ended', session_id, now() + interval '61 minutes'
FROM unnest($1::uuid[]) AS revoked (session_id)
RETURNING event_id
