-- auth.sign_in.password
SELECT password_hash
FROM users
WHERE user_id = $1
