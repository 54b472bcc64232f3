-- auth.privacy.count_sessions
SELECT count(*)::int AS sessions
FROM sessions
WHERE user_id = $1
