-- auth.sessions.rotate
WITH found AS (
    UPDATE refresh_tokens
    SET used_at = now(), successor = $2
    FROM sessions
    JOIN users USING (user_id)
    WHERE token_hash = $1
        AND used_at IS NULL
        AND sessions.session_id = refresh_tokens.session_id
        AND refresh_tokens.expires_at > now()
        AND sessions.ended_at IS NULL
        AND sessions.expires_at > now()
        AND (
            'admin' <> ALL(roles)
            OR (
                refresh_tokens.created_at > now() - make_interval(secs => $5)
                AND sessions.created_at > now() - make_interval(secs => $6)
            )
        )
    RETURNING
        sessions.session_id,
        sessions.created_at AS opened_at,
        sessions.expires_at AS ends_at,
        device_name,
        address,
        last_seen_at,
        authenticated_at,
        proofs,
        impersonator_id,
        users.user_id,
        email,
        email_verified,
        username,
        display_name,
        roles,
        users.created_at,
        users.updated_at,
        version,
        suspended_at,
        LEAST(
            sessions.expires_at,
            now() + make_interval(secs => CASE WHEN 'admin' = ANY(roles) THEN $5::float8 ELSE $4::float8 END)
        ) AS token_expires_at
), token AS (
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    SELECT $3::bytea, session_id, token_expires_at
    FROM found
), seen AS (
    UPDATE sessions
    SET last_seen_at = now(), address = $7
    FROM found
    WHERE sessions.session_id = found.session_id
        AND sessions.last_seen_at < now() - interval '1 minute'
)
