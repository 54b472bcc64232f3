-- auth.privacy.export.confirmations
SELECT challenge_id, purpose, email, tries, created_at, expires_at, used_at
FROM challenges
WHERE user_id = $1
ORDER BY challenge_id
