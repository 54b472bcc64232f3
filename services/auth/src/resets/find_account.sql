-- auth.resets.find_account
SELECT user_id
FROM users
WHERE email = $1
