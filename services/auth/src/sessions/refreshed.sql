-- auth.sessions.refreshed
SELECT
    shown.*,
    session.session_id,
    session.created_at AS opened_at,
    session.expires_at AS ends_at,
    session.device_name,
    session.address,
    session.last_seen_at,
    session.authenticated_at,
    session.proofs,
    session.impersonator_id,
    session.presented_expires_at,
    session.successor,
    session.is_in_grace,
    session.is_current,
    session.is_alive,
    (SELECT expires_at FROM token) AS token_expires_at
FROM session, shown
