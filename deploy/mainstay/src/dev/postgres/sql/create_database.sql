-- mainstay.databases.create
CREATE DATABASE :"name"
    OWNER :"role"
    TEMPLATE :"template";
