-- auth.audit.newest_first
ORDER BY found.position DESC
