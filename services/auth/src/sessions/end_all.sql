-- auth.sessions.end_all
UPDATE sessions
SET ended_at = now()
WHERE
    (user_id = $1 OR impersonator_id = $1)
    AND session_id IS DISTINCT FROM $2
    AND ended_at IS NULL
RETURNING session_id
