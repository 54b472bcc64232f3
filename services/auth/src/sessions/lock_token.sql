-- auth.sessions.lock_token
SELECT
    refresh_tokens.session_id,
    refresh_tokens.expires_at,
    refresh_tokens.expires_at > now() AS is_current,
    refresh_tokens.used_at > now() - make_interval(secs => $2) AS is_in_grace,
    refresh_tokens.successor,
    sessions.user_id,
    sessions.ended_at IS NULL AND sessions.expires_at > now() AS is_alive
FROM refresh_tokens
JOIN sessions USING (session_id)
WHERE refresh_tokens.token_hash = $1
FOR UPDATE
