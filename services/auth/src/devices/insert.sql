-- auth.devices.insert
WITH dispensable AS (
    DELETE FROM devices
    WHERE (token_hash, user_id) IN (
        SELECT token_hash, user_id
        FROM devices
        WHERE user_id = $2
        ORDER BY expires_at > now() DESC, last_seen_at DESC
        OFFSET 49
    )
), companions AS (
    UPDATE devices
    SET token_hash = $1
    WHERE token_hash = $3 AND user_id <> $2 AND expires_at > now()
)
INSERT INTO devices (token_hash, user_id, expires_at, session_id)
VALUES ($1, $2, now() + interval '400 days', $4)
RETURNING
    expires_at,
    EXISTS (
        SELECT
        FROM devices AS other
        WHERE other.user_id = $2 AND other.expires_at > now()
    ) AS is_another
