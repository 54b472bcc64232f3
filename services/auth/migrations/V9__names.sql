-- auth.migrations.names
ALTER TABLE users
    ADD COLUMN email_verified    boolean NOT NULL DEFAULT false,
    ADD COLUMN username_skeleton text;
UPDATE users
SET username_skeleton = firsts.skeleton
FROM (
    SELECT DISTINCT ON (skeleton) user_id, skeleton
    FROM (
        SELECT
            user_id,
            created_at,
            lower(replace(translate(username, '01I', 'Oll'), 'm', 'rn')) AS skeleton
        FROM users
    ) AS names
    ORDER BY skeleton, created_at, user_id
) AS firsts
WHERE users.user_id = firsts.user_id;
CREATE UNIQUE INDEX users_username_skeleton_key ON users (username_skeleton);
COMMENT ON COLUMN users.email_verified IS 'Whether its owner proved that the address is theirs.';
COMMENT ON COLUMN users.username_skeleton IS 'The same for names that look alike (UTS 39); null for an old name that looks like an older one.';
