-- auth.sessions.insert
WITH expired AS (
    DELETE FROM sessions
    WHERE user_id = $2 AND expires_at < now()
), found AS (
    SELECT *
    FROM users
    WHERE user_id = $2
        AND suspended_at IS NULL
        AND ($12::text IS NULL OR password_hash = $12::text)
    FOR SHARE
), session AS (
    INSERT INTO sessions (
        session_id, user_id, expires_at, proofs, impersonator_id, device_name, address
    )
    SELECT
        $1::uuid,
        user_id,
        now() + make_interval(secs => CASE WHEN 'admin' = ANY(roles) THEN $4::float8 ELSE $3::float8 END),
        $5::text[],
        $6::uuid,
        $7::text,
        $8::text
    FROM found
    RETURNING *
), token AS (
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    SELECT
        $9::bytea,
        session_id,
        LEAST(
            session.expires_at,
            now() + make_interval(secs => CASE WHEN 'admin' = ANY(roles) THEN $11::float8 ELSE $10::float8 END)
        )
    FROM session, found
    RETURNING expires_at
)
