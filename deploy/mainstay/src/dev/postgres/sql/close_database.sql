-- mainstay.databases.close
REVOKE CONNECT, TEMPORARY ON DATABASE :"name" FROM PUBLIC;
