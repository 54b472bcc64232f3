-- auth.factors.delete
DELETE FROM factors
WHERE user_id = $1 AND factor_id = $2 AND confirmed_at IS NOT NULL
RETURNING kind
