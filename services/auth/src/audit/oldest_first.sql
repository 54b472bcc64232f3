-- auth.audit.oldest_first
ORDER BY found.position
