-- auth.users.newest_first
ORDER BY created_at DESC, user_id DESC
