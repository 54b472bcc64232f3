-- auth.privacy.erase_letters
DELETE FROM letters
WHERE recipient IN (
    SELECT email
    FROM users
    WHERE user_id = $1
    UNION
    SELECT email
    FROM challenges
    WHERE user_id = $1
)
RETURNING letter_id
