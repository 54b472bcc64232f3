-- auth.defence.reserve_proof
INSERT INTO sign_in_attempts AS earlier (attempt_key, failures, tried_at, is_let_in)
SELECT $1::bytea, 1, now(), TRUE
FROM sessions
WHERE session_id = $2 AND user_id = $3 AND ended_at IS NULL AND expires_at > now()
ON CONFLICT ON CONSTRAINT sign_in_attempts_pkey DO UPDATE
SET (failures, tried_at, is_let_in) = (
    SELECT
        CASE WHEN is_over THEN 1 WHEN is_due THEN earlier.failures + 1 ELSE earlier.failures END,
        CASE WHEN is_over OR is_due THEN now() ELSE earlier.tried_at END,
        is_over OR is_due
    FROM (
        SELECT
            earlier.tried_at < now() - interval '12 hours' AS is_over,
            earlier.failures < 5
                OR earlier.tried_at + make_interval(
                    secs => LEAST(900, power(2, LEAST(earlier.failures - 5, 10)))
                ) <= now() AS is_due
    ) AS judged
)
RETURNING failures, is_let_in
