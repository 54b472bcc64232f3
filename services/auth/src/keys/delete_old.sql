-- auth.keys.delete_old
DELETE FROM signing_keys
WHERE retired_at < now() - interval '61 minutes'
RETURNING kid
