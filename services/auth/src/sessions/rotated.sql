-- auth.sessions.rotated
SELECT
    shown.*,
    session_id,
    opened_at,
    ends_at,
    device_name,
    address,
    last_seen_at,
    authenticated_at,
    proofs,
    impersonator_id,
    token_expires_at
FROM found, shown
