-- auth.sessions.insert
INSERT INTO sessions (session_id, user_id, expires_at)
VALUES ($1, $2, now() + make_interval(secs => $3))
RETURNING session_id
