-- auth.sessions.rehash
UPDATE users
SET password_hash = $3
WHERE user_id = $1 AND password_hash = $2
RETURNING user_id
