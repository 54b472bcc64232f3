-- auth.mail.give_back
UPDATE letters
SET
    due_at = now(),
    attempts = attempts - 1,
    worker_id = NULL
WHERE worker_id = $1 AND letter_id = ANY($2) AND state = 'waiting'
RETURNING letter_id, pg_notify('letters', '')
