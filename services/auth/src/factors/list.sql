-- auth.factors.list
SELECT factor_id, kind, name, confirmed_at, last_used_at
FROM factors
WHERE user_id = $1 AND confirmed_at IS NOT NULL
ORDER BY confirmed_at, factor_id
