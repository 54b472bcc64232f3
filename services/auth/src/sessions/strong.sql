-- auth.sessions.strong
SELECT session_id
FROM sessions
WHERE
    session_id = $1
    AND user_id = $2
    AND 'mfa' = ANY(proofs)
    AND ended_at IS NULL
    AND expires_at > now()
