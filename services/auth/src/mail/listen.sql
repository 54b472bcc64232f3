-- auth.mail.listen
LISTEN letters
