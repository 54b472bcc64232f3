-- auth.trust.forget
DELETE FROM trust_events
WHERE event_id IN (
    SELECT event_id
    FROM trust_events
    WHERE expires_at <= now()
    ORDER BY expires_at
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
)
RETURNING event_id
