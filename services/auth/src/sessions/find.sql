-- auth.sessions.find
SELECT
    session_id,
    user_id,
    created_at,
    expires_at,
    authenticated_at,
    proofs,
    impersonator_id
FROM sessions
WHERE session_id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > now()
