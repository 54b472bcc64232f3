-- database.limit_locks
SET lock_timeout = '5s'
