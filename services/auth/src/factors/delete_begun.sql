-- auth.factors.delete_begun
DELETE FROM factors
WHERE user_id = $1 AND confirmed_at IS NULL
RETURNING factor_id
