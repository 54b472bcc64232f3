-- auth.users.sign_up_hash
SELECT password_hash
FROM sign_ups
WHERE challenge_id = $1
