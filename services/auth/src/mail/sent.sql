-- auth.mail.sent
UPDATE letters
SET
    state = 'sent',
    settled_at = now(),
    failure = '',
    sealed = CASE WHEN $4 THEN sealed END
WHERE letter_id = $1 AND worker_id = $2 AND attempts = $3 AND state = 'waiting'
RETURNING letter_id
