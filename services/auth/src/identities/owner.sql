-- auth.identities.owner
SELECT user_id
FROM identities
WHERE issuer = $1 AND subject = $2
