-- auth.identities.lock_user
SELECT email
FROM users
WHERE user_id = $1
FOR UPDATE
