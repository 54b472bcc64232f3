-- auth.mail.insert
INSERT INTO letters (letter_id, recipient, kind, sealed)
VALUES ($1, $2, $3, $4)
RETURNING letter_id
