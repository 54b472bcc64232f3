-- auth.sessions.judge
WITH found AS (
    SELECT
        session_id,
        user_id,
        refresh_tokens.expires_at AS presented_expires_at,
        successor,
        used_at > now() - make_interval(secs => $2) AS is_in_grace,
        refresh_tokens.expires_at > now() AND (
            'admin' <> ALL(roles)
            OR refresh_tokens.created_at > now() - make_interval(secs => $3)
        ) AS is_current,
        ended_at IS NULL AND sessions.expires_at > now() AND (
            'admin' <> ALL(roles)
            OR sessions.created_at > now() - make_interval(secs => $4)
        ) AS is_alive,
        sessions.created_at AS opened_at,
        sessions.expires_at AS ends_at,
        device_name,
        address,
        last_seen_at,
        authenticated_at,
        proofs,
        impersonator_id,
        email,
        email_verified,
        username,
        display_name,
        roles,
        users.created_at,
        users.updated_at,
        version,
        suspended_at
    FROM refresh_tokens
    JOIN sessions USING (session_id)
    JOIN users USING (user_id)
    WHERE token_hash = $1
)
