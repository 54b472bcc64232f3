-- auth.users.delete
DELETE FROM users
WHERE user_id = $1
RETURNING user_id
