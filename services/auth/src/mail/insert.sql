-- auth.mail.insert
WITH written AS (
    INSERT INTO letters (letter_id, recipient, kind, sealed, useful_until)
    VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
    RETURNING letter_id
)
SELECT letter_id, pg_notify('letters', '')
FROM written
