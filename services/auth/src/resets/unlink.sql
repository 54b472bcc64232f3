-- auth.resets.unlink
DELETE FROM identities
WHERE user_id = $1
RETURNING identity_id
