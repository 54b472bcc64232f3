mod caching;
mod codings;
mod conditions;
mod cors;
mod credentials;
mod failures;
mod rig;
mod routes;
