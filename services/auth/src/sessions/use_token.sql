-- auth.sessions.use_token
UPDATE refresh_tokens
SET used_at = now(), successor = $2
WHERE token_hash = $1
RETURNING token_hash
