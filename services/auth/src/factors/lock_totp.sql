-- auth.factors.lock_totp
SELECT
    factor_id,
    sealed,
    CASE
        WHEN wrong_since > now() - interval '15 minutes' THEN wrong_codes
        ELSE 0
    END AS wrong_codes,
    extract(epoch FROM wrong_since + interval '15 minutes' - now())::float8 AS wait_seconds
FROM factors
WHERE user_id = $1 AND kind = 'totp' AND (confirmed_at IS NOT NULL) = $2
FOR UPDATE
