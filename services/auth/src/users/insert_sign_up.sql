-- auth.users.insert_sign_up
INSERT INTO sign_ups (challenge_id, username, username_skeleton, display_name, password_hash)
VALUES ($1, $2, $3, $4, $5)
RETURNING challenge_id
