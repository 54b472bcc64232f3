-- auth.defence.settle
WITH attempt AS (
    DELETE FROM sign_in_attempts
    WHERE attempt_key = $1
)
DELETE FROM sign_in_guesses
WHERE network = $2 AND guess = $3
RETURNING guess
