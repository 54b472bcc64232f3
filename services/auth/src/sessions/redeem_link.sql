-- auth.sessions.redeem_link
UPDATE sign_in_links
SET used_at = now()
WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now()
RETURNING user_id
