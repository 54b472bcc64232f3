-- auth.administration.admin
SELECT user_id
FROM users
WHERE user_id = $1 AND suspended_at IS NULL AND 'admin' = ANY(roles)
FOR SHARE
