-- auth.trust.refuse_user
INSERT INTO trust_events (kind, subject_id)
SELECT 'user_refused', $1::uuid
WHERE NOT EXISTS (
    SELECT FROM trust_events
    WHERE kind = 'user_refused' AND subject_id = $1::uuid AND expires_at IS NULL
)
RETURNING event_id
