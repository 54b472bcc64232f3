-- auth.mail.again
UPDATE letters
SET
    due_at = LEAST(now() + make_interval(secs => $5), useful_until),
    failure = $4
WHERE letter_id = $1 AND worker_id = $2 AND attempts = $3 AND state = 'waiting'
RETURNING letter_id
