-- auth.sessions.judged
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
    presented_expires_at,
    successor,
    is_in_grace,
    is_current,
    is_alive
FROM found, shown
