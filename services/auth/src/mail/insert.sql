-- auth.mail.insert
WITH lately AS (
    SELECT count(*) AS written
    FROM letters
    WHERE recipient = $2 AND kind = $3 AND created_at > now() - interval '1 hour'
), written AS (
    INSERT INTO letters (letter_id, recipient, kind, sealed, useful_until)
    SELECT $1::uuid, $2::text, $3::text, $4::bytea, now() + make_interval(secs => $5)
    FROM lately
    WHERE written < 20
    RETURNING letter_id
)
SELECT letter_id, pg_notify('letters', '')
FROM written
