-- auth.audit.may_watch
SELECT users.user_id
FROM sessions
JOIN users USING (user_id)
WHERE
    sessions.session_id = $1
    AND sessions.ended_at IS NULL
    AND sessions.expires_at > now()
    AND users.suspended_at IS NULL
    AND 'admin' = ANY(users.roles)
