-- auth.privacy.erase_challenges
DELETE FROM challenges
WHERE email IN (
    SELECT email
    FROM users
    WHERE user_id = $1
)
RETURNING challenge_id
