//! Every reason for which a request is refused, once: over gRPC, over REST and
//! in the documents.

use tonic::Code;

/// One entry of the catalogue.
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    /// What programs compare: the `ErrorInfo.reason`, the problem's `code`.
    pub code: &'static str,
    /// The gRPC status code.
    pub grpc: Code,
    /// The HTTP status code.
    pub http: u16,
    /// What happened, the same every time.
    pub title: &'static str,
    /// What to do, unless a request says it more precisely.
    pub detail: &'static str,
}

/// The entry with a code.
pub fn find(code: &str) -> Option<&'static Reason> {
    CATALOGUE.iter().copied().find(|reason| reason.code == code)
}

macro_rules! catalogue {
    ($($code:ident $grpc:ident $http:literal $title:literal $detail:literal)*) => {
        impl Reason {
            $(
                #[doc = $title]
                pub const $code: &'static Self = &Self {
                    code: stringify!($code),
                    grpc: Code::$grpc,
                    http: $http,
                    title: $title,
                    detail: $detail,
                };
            )*
        }

        /// Every reason there is.
        pub const CATALOGUE: &[&Reason] = &[$(Reason::$code),*];
    };
}

catalogue! {
    SIGN_IN_REQUIRED Unauthenticated 401 "Sign-in required"
        "sign in first: POST /api/sessions, or send an access token as `authorization: Bearer …`"
    TOKEN_INVALID Unauthenticated 401 "Token refused"
        "the access token was not issued by this deployment or is damaged; sign in again"
    TOKEN_EXPIRED Unauthenticated 401 "Token expired"
        "the access token has expired; refresh the session"
    INVALID_CREDENTIALS Unauthenticated 401 "Wrong e-mail address or password"
        "the e-mail address or the password is wrong"
    SESSION_ENDED Unauthenticated 401 "Session ended"
        "the session has ended or was revoked; sign in again"
    SIGN_IN_LINK_INVALID Unauthenticated 401 "Sign-in link refused"
        "the link was used already or has expired; ask for a new one: mainstay admin link"
    API_KEY_INVALID Unauthenticated 401 "API key refused"
        "the API key is wrong, has expired or was ended; make another"
    SECOND_FACTOR_REQUIRED Unauthenticated 401 "Second factor required"
        "the account has a second factor: send it with the challenge to POST /api/sessions/second-factor"
    CHALLENGE_INVALID Unauthenticated 401 "Challenge refused"
        "the challenge was met already, has expired or is not one of ours; sign in again"
    PROOF_REFUSED Unauthenticated 401 "Proof refused"
        "the code or the passkey is wrong, was used already or is too old; try again with a new one"
    FLOW_INVALID Unauthenticated 401 "Begun elsewhere or too long ago"
        "this was begun in another browser, more than five minutes ago, or is done already; begin again"
    STEP_UP_REQUIRED Unauthenticated 401 "Recent sign-in required"
        "prove once more who you are: POST /api/sessions/current/reauthenticate, or sign in again"

    ERASURE_UNKNOWN NotFound 404 "No such erasure"
        "no receipt has this number; it is in the letter about the erasure"

    SIGN_IN_FLOW_INVALID Unauthenticated 401 "Sign-in with another site not begun here"
        "it was begun in another browser, was finished before or took longer than ten minutes; begin again"
    IDENTITY_REFUSED Unauthenticated 401 "Sign-in with another site refused"
        "the other site did not confirm who you are, or what it said could not be verified; begin again"

    NOT_YOURS PermissionDenied 403 "Not yours"
        "this belongs to somebody else"
    ROLE_REQUIRED PermissionDenied 403 "Role required"
        "your account does not have the role that this needs"
    OWNER_ONLY PermissionDenied 403 "For the owner only"
        "only the owner of the account may do this, and you are signed in in their name; sign in as yourself"
    NOT_TO_YOURSELF PermissionDenied 403 "Not to yourself"
        "you cannot do this to your own account; ask another admin"
    NOT_IMPERSONABLE FailedPrecondition 409 "Nobody may sign in as them"
        "admins and suspended accounts cannot be impersonated"
    LAST_ADMIN FailedPrecondition 409 "The last admin"
        "nobody else is an admin; make somebody else one first"
    SCOPE_REQUIRED PermissionDenied 403 "Scope required"
        "the API key was not made for this; make one with the scope that this needs"
    CROSS_SITE_REQUEST PermissionDenied 403 "Cross-site request refused"
        "the request comes from a page of another site; add its origin to MAINSTAY_TRUSTED_ORIGINS if it is yours"

    NOT_FOUND NotFound 404 "Not found"
        "there is no such thing, or none that you may know of"
    PROVIDER_UNKNOWN NotFound 404 "No such provider"
        "nobody can sign in with this site here; see GET /api/providers"
    ROUTE_NOT_FOUND NotFound 404 "No such route"
        "no route has this path"
    METHOD_NOT_ALLOWED Unimplemented 405 "Method not allowed"
        "the path does not take this method; see the Allow header"
    METHOD_UNKNOWN Unimplemented 501 "No such method"
        "the service has no such method; list them through reflection"

    EMAIL_TAKEN AlreadyExists 409 "E-mail address taken"
        "an account with this e-mail address exists; sign in instead"
    USERNAME_TAKEN AlreadyExists 409 "User name taken"
        "an account with this user name exists; choose another"
    NAME_TAKEN AlreadyExists 409 "Name taken"
        "there is one of this name; choose another"
    LIMIT_REACHED FailedPrecondition 409 "As many as there may be"
        "there are as many of these as there may be; delete one first"

    TOTP_EXISTS AlreadyExists 409 "Authenticator app present"
        "the account has an authenticator app; remove that one first"
    FACTOR_NOT_BEGUN FailedPrecondition 409 "Nothing to confirm"
        "there is nothing to confirm; begin first"
    TOO_MANY_FACTORS FailedPrecondition 409 "Too many second factors"
        "an account has at most 20 second factors; remove one first"
    FACTOR_REQUIRED FailedPrecondition 409 "No second factor"
        "the account has no second factor; add one first"
    PASSKEY_REFUSED FailedPrecondition 409 "Passkey refused"
        "the passkey was made for another site, without verifying its user, or is present already; make a new one"
    PASSKEYS_UNAVAILABLE FailedPrecondition 409 "No passkeys here"
        "passkeys need a host name, and MAINSTAY_PUBLIC_URL has none"

    USERNAME_RESERVED AlreadyExists 409 "User name reserved"
        "nobody may have a user name that could be taken for the product's own; choose another"
    SIGN_UP_CLOSED PermissionDenied 403 "Sign-up closed"
        "nobody can sign up here; ask whoever runs this deployment for an account"
    EMAIL_CODE_INVALID Unauthenticated 401 "Code or link refused"
        "the code or the link is wrong, was used already or has expired; ask for a new letter"
    CURRENT_PASSWORD_WRONG PermissionDenied 403 "Wrong password"
        "the current password is wrong"
    CURRENT_PASSWORD_REQUIRED PermissionDenied 403 "Password required"
        "give the current password as well"
    FRESH_SIGN_IN_REQUIRED PermissionDenied 403 "Fresh sign-in required"
        "sign in again and do this within 10 minutes"

    IDENTITY_EMAIL_TAKEN AlreadyExists 409 "E-mail address of another account"
        "an account with this e-mail address exists; sign in to it and link the other site in your settings"
    IDENTITY_EMAIL_MISSING FailedPrecondition 409 "No e-mail address"
        "the other site did not tell your e-mail address, which a new account needs; let it, or sign up here and link it"
    IDENTITY_TAKEN AlreadyExists 409 "Linked to another account"
        "that account of the other site signs in somebody else here; unlink it there first"
    PROVIDER_LINKED AlreadyExists 409 "Other site linked already"
        "another account of the same site is linked to yours; unlink it first"
    LAST_SIGN_IN_METHOD FailedPrecondition 409 "Nothing else signs you in"
        "this is the only way to sign in to your account; set a password or link another site first"

    SLUG_TAKEN AlreadyExists 409 "Title taken"
        "the author has too many posts of this title; choose another title"

    PRECONDITION_REQUIRED FailedPrecondition 428 "Precondition required"
        "say which version you mean: send the ETag that you read as If-Match, or `*` to overwrite whatever is there"
    ETAG_MISMATCH Aborted 412 "Changed meanwhile"
        "somebody changed it since you read it; read it again, merge and send the new ETag as If-Match"
    IDEMPOTENCY_KEY_REUSED InvalidArgument 422 "Idempotency key used before"
        "the idempotency key was used for another request; make a new key for each new request"
    IDEMPOTENCY_KEY_INVALID InvalidArgument 400 "Invalid idempotency key"
        "an idempotency key is 1 to 255 visible ASCII characters; a UUID is a good one"
    IDEMPOTENCY_KEY_IN_FLIGHT Aborted 409 "Still being done"
        "the first request with this idempotency key is still being done; ask again in a moment"

    INVALID_FIELDS InvalidArgument 422 "Invalid fields"
        "some fields break their rules"
    MALFORMED_JSON InvalidArgument 400 "Malformed JSON"
        "the body is not valid JSON"
    UNKNOWN_PARAMETER InvalidArgument 400 "Unknown query parameters"
        "the query has parameters that this route does not take"
    INVALID_PARAMETER InvalidArgument 400 "Invalid parameters"
        "some parameters of the path or the query break their rules"
    MALFORMED_REQUEST InvalidArgument 400 "Malformed request"
        "the request is malformed"
    PAGE_TOKEN_INVALID InvalidArgument 400 "Invalid page token"
        "the page token is not one of ours; start again without one"
    PAGE_TOKEN_EXPIRED InvalidArgument 400 "Page token expired"
        "the page token is older than three days; start again without one"
    PAGE_TOKEN_MISMATCH InvalidArgument 400 "Page token of another list"
        "the page token belongs to a list with other filters; start again without one"

    NOT_ACCEPTABLE InvalidArgument 406 "Not acceptable"
        "answers are application/json; accept that"
    INVALID_CONDITION InvalidArgument 400 "Invalid condition"
        "a condition is a quoted ETag as it was sent to you, a list of them, or `*`"
    RANGE_NOT_SATISFIABLE OutOfRange 416 "Range not satisfiable"
        "the range begins behind the end; see Content-Range for the length"
    URI_TOO_LONG InvalidArgument 414 "Address too long"
        "the path and the query are longer than 8 KiB; send less"
    UNSUPPORTED_MEDIA_TYPE InvalidArgument 415 "Unsupported media type"
        "send the body as content-type: application/json"
    REQUEST_TIMEOUT DeadlineExceeded 408 "Request too slow"
        "the body did not arrive in time; send it again, faster"
    PAYLOAD_TOO_LARGE ResourceExhausted 413 "Body too large"
        "the body is larger than 1 MiB; send less"
    HEADERS_TOO_LARGE ResourceExhausted 431 "Headers too large"
        "the headers are too large; clear old cookies"
    TOO_BUSY ResourceExhausted 429 "Too busy"
        "too many requests at once; try again in a moment"

    RATE_LIMITED ResourceExhausted 429 "Too many requests"
        "the budget of requests is used up; wait as long as Retry-After says"
    TOO_MANY_WRONG_CODES ResourceExhausted 429 "Too many wrong codes"
        "too many wrong codes for this account; wait as long as Retry-After says, or use another second factor"
    QUOTA_EXCEEDED ResourceExhausted 429 "Quota used up"
        "the quota of uploads is used up; wait as long as Retry-After says"
    TOO_MANY_STREAMS ResourceExhausted 429 "Too many streams"
        "too many streams of yours are open; close one first"
    OVERLOADED Unavailable 503 "Overloaded"
        "there is more to do than can be done just now; wait as long as Retry-After says"

    DEADLINE_EXCEEDED DeadlineExceeded 504 "Out of time"
        "the answer took longer than the deadline; the request may or may not have taken effect"
    UNAVAILABLE Unavailable 503 "Unavailable"
        "a part of the service cannot be reached just now; try again in a moment"
    CALLER_UNKNOWN Unavailable 503 "Caller not verified"
        "it cannot be verified just now who you are; try again in a moment"
    PROVIDER_UNAVAILABLE Unavailable 503 "Other site unavailable"
        "the other site cannot be reached or does not work just now; try again in a moment, or sign in another way"
    EXPORT_UNAVAILABLE Unavailable 503 "Archive cannot be made"
        "what you wrote cannot be read just now, and an archive without it would not be whole; try again in a moment"
    INTERNAL Internal 500 "Internal error"
        "something went wrong on our side; the request id finds the cause in our logs"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found() {
        for (index, reason) in CATALOGUE.iter().enumerate() {
            assert_eq!(find(reason.code), Some(*reason));
            assert!(CATALOGUE[..index].iter().all(|earlier| earlier.code != reason.code));
            assert!(reason.code.len() <= 63, "AIP-193: {}", reason.code);
        }
        assert_eq!(find("NOPE"), None);
    }
}
