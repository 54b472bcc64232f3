-- auth.privacy.export.sessions
SELECT
    session_id,
    created_at,
    expires_at,
    ended_at,
    authenticated_at,
    proofs,
    device_name,
    address,
    last_seen_at,
    impersonator_id
FROM sessions
WHERE user_id = $1 AND session_id > $2
ORDER BY session_id
LIMIT $3
