-- auth.operator.find_admin
SELECT email
FROM users
WHERE 'admin' = ANY(roles)
ORDER BY email = $1 DESC, created_at, user_id
LIMIT 1
