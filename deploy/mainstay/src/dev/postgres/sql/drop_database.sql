-- mainstay.databases.drop
DROP DATABASE IF EXISTS :"name" WITH (FORCE);
