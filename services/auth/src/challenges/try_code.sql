-- auth.challenges.try_code
UPDATE challenges
SET tries = tries + 1
WHERE email = $1 AND purpose = ANY($2) AND used_at IS NULL AND expires_at > now() AND tries < 5
RETURNING challenge_id, purpose, email, user_id, code
