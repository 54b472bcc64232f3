-- database.prepare_migration
SET statement_timeout = 0
