-- auth.keys.delete
DELETE FROM signing_keys
WHERE kid = $1
RETURNING kid
