-- auth.trust.lock_user
SELECT user_id
FROM users
WHERE user_id = $1
FOR UPDATE
