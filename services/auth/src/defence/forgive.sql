-- auth.defence.forgive
DELETE FROM sign_in_attempts
WHERE attempt_key = $1
RETURNING attempt_key
