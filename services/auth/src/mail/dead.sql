-- auth.mail.dead
UPDATE letters
SET
    state = 'dead',
    settled_at = now(),
    failure = $4,
    sealed = NULL
WHERE letter_id = $1 AND worker_id = $2 AND attempts = $3 AND state = 'waiting'
RETURNING letter_id
