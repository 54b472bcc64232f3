-- auth.trust.listen
LISTEN trust
