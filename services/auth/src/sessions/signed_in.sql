-- auth.sessions.signed_in
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
    (SELECT expires_at FROM token) AS token_expires_at
FROM session, shown
