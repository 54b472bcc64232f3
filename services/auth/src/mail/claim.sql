-- auth.mail.claim
WITH due AS (
    SELECT letter_id
    FROM letters
    WHERE state = 'waiting' AND due_at <= now()
    ORDER BY due_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE letters
SET
    worker_id = $1,
    attempts = attempts + 1,
    failure = '',
    due_at = now() + make_interval(secs => $3)
FROM due
WHERE letters.letter_id = due.letter_id
RETURNING
    letters.letter_id,
    recipient,
    sealed,
    created_at,
    attempts,
    useful_until > now() AS is_useful
