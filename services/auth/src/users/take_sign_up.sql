-- auth.users.take_sign_up
DELETE FROM sign_ups
WHERE challenge_id = $1
RETURNING username, username_skeleton, display_name, password_hash
