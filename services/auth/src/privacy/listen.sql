-- auth.privacy.listen
LISTEN erasures
