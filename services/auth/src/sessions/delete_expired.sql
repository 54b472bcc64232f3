-- auth.sessions.delete_expired
DELETE FROM sessions
WHERE user_id = $1 AND expires_at < now()
RETURNING session_id
