-- auth.defence.reserve
WITH account AS (
    SELECT user_id, password_hash
    FROM users
    WHERE email = $1 AND suspended_at IS NULL
), device AS (
    SELECT EXISTS (
        SELECT
        FROM devices
        JOIN account USING (user_id)
        WHERE token_hash = $2 AND expires_at > now()
    ) AS is_known
), crowd AS (
    SELECT count(*) AS others, min(guessed_at) + interval '3 hours' AS until
    FROM (
        SELECT guessed_at
        FROM sign_in_guesses
        WHERE network = $5 AND guess <> $6 AND guessed_at > now() - interval '3 hours'
        ORDER BY guessed_at DESC
        LIMIT $7
    ) AS latest
), asked AS (
    SELECT
        is_known,
        others,
        until,
        is_known OR others < $7 AS is_heard,
        NOT EXISTS (
            SELECT
            FROM sign_in_guesses
            WHERE network = $5 AND guess = $6
        ) AS is_new
    FROM device, crowd
), forgotten AS (
    DELETE FROM sign_in_attempts
    WHERE attempt_key IN (
        SELECT attempt_key
        FROM sign_in_attempts
        WHERE attempt_key NOT IN ($3, $4)
            AND tried_at < now() - interval '12 hours'
            AND (failures < 100 OR tried_at < now() - interval '400 days')
        ORDER BY tried_at
        LIMIT 20
        FOR UPDATE SKIP LOCKED
    )
), old AS (
    DELETE FROM sign_in_guesses
    WHERE (network, guess) IN (
        SELECT network, guess
        FROM sign_in_guesses
        WHERE (network, guess) <> ($5, $6) AND guessed_at < now() - interval '3 hours'
        ORDER BY guessed_at
        LIMIT 20
        FOR UPDATE SKIP LOCKED
    )
), guessed AS (
    INSERT INTO sign_in_guesses (network, guess)
    SELECT $5::bytea, $6::bytea
    FROM asked
    WHERE is_heard AND NOT is_known
    ON CONFLICT ON CONSTRAINT sign_in_guesses_pkey DO UPDATE
    SET guessed_at = now()
), attempt AS (
    INSERT INTO sign_in_attempts AS earlier (attempt_key, failures, tried_at, is_let_in)
    SELECT CASE WHEN is_known THEN $4::bytea ELSE $3::bytea END, 1, now(), TRUE
    FROM asked
    WHERE is_heard
    ON CONFLICT ON CONSTRAINT sign_in_attempts_pkey DO UPDATE
    SET (failures, tried_at, is_let_in) = (
        SELECT
            CASE WHEN is_over THEN 1 WHEN is_due THEN earlier.failures + 1 ELSE earlier.failures END,
            CASE WHEN is_over OR is_due THEN now() ELSE earlier.tried_at END,
            is_over OR is_due
        FROM (
            SELECT
                earlier.failures < 100 AND earlier.tried_at < now() - interval '12 hours' AS is_over,
                earlier.failures < 100 AND (
                    earlier.failures < 5
                    OR earlier.tried_at + make_interval(
                        secs => LEAST(900, power(2, LEAST(earlier.failures - 5, 10)))
                    ) <= now()
                ) AS is_due
        ) AS judged
    )
    RETURNING failures, is_let_in
)
SELECT
    account.user_id,
    account.password_hash,
    asked.is_known,
    asked.others,
    asked.is_new,
    CEIL(EXTRACT(EPOCH FROM asked.until - now()))::integer AS wait_seconds,
    attempt.failures,
    attempt.is_let_in
FROM asked
LEFT JOIN account ON TRUE
LEFT JOIN attempt ON TRUE
