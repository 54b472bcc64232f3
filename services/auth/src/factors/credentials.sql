-- auth.factors.credentials
SELECT credential_id
FROM factors
WHERE user_id = $1 AND credential_id IS NOT NULL
ORDER BY factor_id
