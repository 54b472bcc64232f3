-- database.replies.insert
WITH expired AS (
    DELETE FROM replies
    WHERE reply_id IN (
        SELECT reply_id
        FROM replies
        WHERE expires_at <= now() AND reply_id <> $1
        ORDER BY expires_at
        LIMIT 20
        FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO replies (reply_id, request, sealed, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
ON CONFLICT ON CONSTRAINT replies_pkey DO UPDATE
SET
    request = excluded.request,
    sealed = excluded.sealed,
    expires_at = excluded.expires_at
WHERE replies.expires_at <= now()
RETURNING reply_id
