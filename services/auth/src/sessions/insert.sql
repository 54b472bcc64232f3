-- auth.sessions.insert
INSERT INTO sessions (session_id, user_id, expires_at, proofs, impersonator_id)
VALUES ($1, $2, now() + make_interval(secs => $3), $4, $5)
RETURNING session_id
