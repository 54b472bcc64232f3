-- auth.sessions.insert_token
INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
SELECT $1, session_id, LEAST(expires_at, now() + make_interval(secs => $3))
FROM sessions
WHERE session_id = $2
RETURNING expires_at
