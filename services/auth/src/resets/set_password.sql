-- auth.resets.set_password
UPDATE users
SET password_hash = $2
WHERE user_id = $1 AND password_hash = $3
RETURNING user_id
