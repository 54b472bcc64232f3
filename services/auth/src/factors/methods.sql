-- auth.factors.methods
SELECT kind AS method
FROM factors
WHERE user_id = $1 AND confirmed_at IS NOT NULL
UNION
SELECT 'recovery_code' AS method
FROM recovery_codes
WHERE user_id = $1 AND used_at IS NULL
ORDER BY method
