-- auth.privacy.export.factors
SELECT factor_id, kind, name, created_at, confirmed_at, last_used_at
FROM factors
WHERE user_id = $1
ORDER BY factor_id
