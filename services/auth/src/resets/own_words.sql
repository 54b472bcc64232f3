-- auth.resets.own_words
SELECT email, username, display_name
FROM users
WHERE user_id = $1 AND email = $2
