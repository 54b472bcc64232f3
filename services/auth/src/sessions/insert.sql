-- auth.sessions.insert
INSERT INTO sessions (session_id, user_id, expires_at, proofs, impersonator_id)
SELECT $1, user_id, now() + make_interval(secs => $3), $4, $5
FROM users
WHERE user_id = $2 AND suspended_at IS NULL
FOR SHARE
RETURNING session_id
