-- auth.factors.spend
WITH forgotten AS (
    DELETE FROM spent_tickets
    WHERE ticket_id IN (
        SELECT ticket_id
        FROM spent_tickets
        WHERE expires_at < now()
        ORDER BY expires_at
        LIMIT 100
        FOR UPDATE SKIP LOCKED
    )
    RETURNING ticket_id
)
INSERT INTO spent_tickets (ticket_id, expires_at)
VALUES ($1, $2)
ON CONFLICT DO NOTHING
RETURNING ticket_id
