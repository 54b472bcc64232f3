-- auth.factors.count
SELECT count(*)::integer AS count
FROM factors
WHERE user_id = $1 AND confirmed_at IS NOT NULL
