-- auth.challenges.use
UPDATE challenges
SET used_at = now()
WHERE challenge_id = $1 AND used_at IS NULL AND expires_at > now()
RETURNING challenge_id
