-- mainstay.roles.create
CREATE ROLE :"name" LOGIN;
