-- auth.factors.count_wrong
UPDATE factors
SET
    wrong_codes = CASE
        WHEN wrong_codes > 0 AND wrong_since > now() - interval '15 minutes' THEN wrong_codes + 1
        ELSE 1
    END,
    wrong_since = CASE
        WHEN wrong_codes > 0 AND wrong_since > now() - interval '15 minutes' THEN wrong_since
        ELSE now()
    END
WHERE factor_id = $1
RETURNING wrong_codes
