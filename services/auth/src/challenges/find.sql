-- auth.challenges.find
SELECT challenge_id, purpose, email, user_id, code
FROM challenges
WHERE token_hash = $1 AND purpose = ANY($2) AND used_at IS NULL AND expires_at > now()
