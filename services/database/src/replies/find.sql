-- database.replies.find
SELECT request, sealed
FROM replies
WHERE reply_id = $1 AND expires_at > now()
