-- auth.mail.mailbox
SELECT letter_id, recipient, kind, sealed, created_at
FROM letters
WHERE sealed IS NOT NULL AND (recipient = $1 OR $1 IS NULL) AND letter_id > $2
ORDER BY letter_id DESC
LIMIT $3
