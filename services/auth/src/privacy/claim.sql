-- auth.privacy.claim
WITH due AS (
    SELECT erasure_id
    FROM erasures
    WHERE done_at IS NULL AND due_at <= now()
    ORDER BY due_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE erasures
SET
    attempts = attempts + 1,
    due_at = now() + LEAST(interval '30 seconds' * (attempts + 1), interval '1 hour')
FROM due
WHERE erasures.erasure_id = due.erasure_id
RETURNING
    erasures.erasure_id,
    user_id,
    sessions,
    begun_at
