-- auth.identities.use
UPDATE identities
SET last_used_at = now()
WHERE issuer = $1 AND subject = $2
RETURNING user_id
