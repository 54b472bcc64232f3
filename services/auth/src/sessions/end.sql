-- auth.sessions.end
UPDATE sessions
SET ended_at = now()
WHERE session_id = $1 AND user_id = $2 AND ended_at IS NULL
RETURNING session_id
