-- auth.challenges.insert
WITH swept AS (
    DELETE FROM challenges
    WHERE challenge_id IN (
        SELECT challenge_id
        FROM challenges
        WHERE created_at < now() - interval '1 day'
        ORDER BY created_at
        LIMIT 20
        FOR UPDATE SKIP LOCKED
    )
    RETURNING challenge_id
),
replaced AS (
    UPDATE challenges
    SET used_at = now()
    WHERE user_id = $4 AND purpose = $2 AND used_at IS NULL
        AND created_at >= now() - interval '1 day'
    RETURNING challenge_id
)
INSERT INTO challenges (challenge_id, purpose, email, user_id, token_hash, code, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(mins => $7))
RETURNING challenge_id
