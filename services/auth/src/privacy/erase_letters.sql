-- auth.privacy.erase_letters
DELETE FROM letters
WHERE recipient = $1
RETURNING letter_id
