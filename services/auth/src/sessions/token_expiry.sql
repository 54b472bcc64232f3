-- auth.sessions.token_expiry
SELECT expires_at
FROM refresh_tokens
WHERE token_hash = $1
