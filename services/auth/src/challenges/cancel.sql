-- auth.challenges.cancel
UPDATE challenges
SET used_at = now()
WHERE user_id = $1 AND purpose = ANY($2) AND used_at IS NULL
RETURNING challenge_id
