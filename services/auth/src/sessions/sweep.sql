-- auth.sessions.sweep
DELETE FROM sessions
WHERE session_id IN (
    SELECT session_id
    FROM sessions
    WHERE expires_at < now() - interval '1 hour'
    ORDER BY expires_at
    LIMIT 200
    FOR UPDATE SKIP LOCKED
)
RETURNING session_id
