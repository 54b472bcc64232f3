-- auth.sessions.oldest
SELECT session_id
FROM sessions
WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
ORDER BY session_id DESC
OFFSET 100
