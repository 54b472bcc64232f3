-- auth.sessions.refresh
WITH presented AS (
    SELECT
        session_id,
        user_id,
        refresh_tokens.expires_at,
        refresh_tokens.successor,
        refresh_tokens.used_at > now() - make_interval(secs => $2) AS is_in_grace,
        refresh_tokens.expires_at > now() AND (
            'admin' <> ALL(users.roles)
            OR refresh_tokens.created_at > now() - make_interval(secs => $6)
        ) AS is_current,
        sessions.ended_at IS NULL AND sessions.expires_at > now() AND (
            'admin' <> ALL(users.roles)
            OR sessions.created_at > now() - make_interval(secs => $7)
        ) AS is_alive,
        CASE WHEN 'admin' = ANY(users.roles) THEN $6::float8 ELSE $5::float8 END AS idle_seconds
    FROM refresh_tokens
    JOIN sessions USING (session_id)
    JOIN users USING (user_id)
    WHERE token_hash = $1
    FOR UPDATE OF refresh_tokens, sessions
), rotated AS (
    UPDATE refresh_tokens
    SET used_at = now(), successor = $3
    FROM presented
    WHERE token_hash = $1 AND used_at IS NULL AND is_current AND is_alive
    RETURNING presented.session_id, idle_seconds
), token AS (
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    SELECT $4::bytea, session_id, LEAST(expires_at, now() + make_interval(secs => idle_seconds))
    FROM rotated
    JOIN sessions USING (session_id)
    RETURNING expires_at
), seen AS (
    UPDATE sessions
    SET last_seen_at = now(), address = $8
    FROM rotated
    WHERE sessions.session_id = rotated.session_id
        AND last_seen_at < now() - interval '1 minute'
), session AS (
    SELECT
        sessions.*,
        presented.expires_at AS presented_expires_at,
        successor,
        is_in_grace,
        is_current,
        is_alive
    FROM presented
    JOIN sessions USING (session_id)
), found AS (
    SELECT users.*
    FROM presented
    JOIN users USING (user_id)
)
