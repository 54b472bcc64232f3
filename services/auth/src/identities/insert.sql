-- auth.identities.insert
INSERT INTO identities (identity_id, user_id, issuer, subject, email)
VALUES ($1, $2, $3, $4, $5)
RETURNING identity_id
