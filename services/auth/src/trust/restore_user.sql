-- auth.trust.restore_user
WITH taken_back AS (
    DELETE FROM trust_events
    WHERE kind = 'user_refused' AND subject_id = $1
)
INSERT INTO trust_events (kind, subject_id, expires_at)
VALUES ('user_restored', $1, now() + interval '61 minutes')
RETURNING event_id
