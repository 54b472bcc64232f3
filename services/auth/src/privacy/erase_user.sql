-- auth.privacy.erase_user
DELETE FROM users
WHERE user_id = $1
RETURNING email
