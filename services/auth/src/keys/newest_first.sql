-- auth.keys.newest_first
SELECT kid, sealed
FROM signing_keys
ORDER BY created_at DESC, kid
