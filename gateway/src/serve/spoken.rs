//! Calls of browsers that speak gRPC: through the same checks as REST.

use std::sync::Arc;

use platform::{server::RouteTemplate, status::Reason};

use super::Inner;
use crate::{
    Response,
    body::Incoming,
    browser::{Carrier, Spoken},
    credentials::Changes,
    problem::Problem,
};

// === impl Inner ===

impl Inner {
    /// Answers a browser that speaks gRPC.
    pub(super) async fn answer_spoken(
        &self,
        spoken: &Spoken<'_>,
        host: &str,
        body: &mut Incoming,
    ) -> Response {
        let Self { credentials, streams, room, .. } = self;
        let (mut changes, mut standing) = (Changes::default(), None);
        let admitted = match &spoken.found {
            Some(found) if self.guard.check_room(&found.route.rpc).is_err() => {
                Err(Problem::of(Reason::OVERLOADED))
            }
            Some(found) => self.admit(spoken.parts, host, found.route, &mut standing).await,
            None => self.check_sender(spoken.parts, host),
        };
        let mut response = match admitted {
            Ok(()) => {
                Carrier { credentials, streams, room }.answer(spoken, body, &mut changes).await
            }
            Err(problem) => spoken.refuse_problem(&problem),
        };
        self.change_cookies(&changes, &mut response);
        if let Some(standing) = standing {
            standing.write(response.headers_mut());
        }
        if let Some(found) = &spoken.found {
            response.extensions_mut().insert(RouteTemplate(Arc::clone(&found.route.template)));
        }
        response
    }
}
