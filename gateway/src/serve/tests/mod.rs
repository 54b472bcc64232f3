mod credentials;
mod failures;
mod rig;
mod routes;
