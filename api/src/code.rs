//! The codes of problems that the interface itself finds: with the request, or with the server. What the rules refuse has
//! codes of its own: [`domain::Rejection::CODES`].

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $status:ident, $code:literal;)*) => {
        /// What went wrong, with the one status that it is answered with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$meta])* $name,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name, for clients.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The status that it is answered with.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),* }
            }
        }
    };
}

codes! {
    /// Money moves, and nothing would tell a repeated request.
    KeyRequired = BAD_REQUEST, "key-required";
    /// No idempotency key, or one too many.
    InvalidKey = BAD_REQUEST, "invalid-key";
    /// No position in `Teahouse-At-Least`.
    InvalidPosition = BAD_REQUEST, "invalid-position";
    /// A part of the path can't be understood.
    InvalidPath = BAD_REQUEST, "invalid-path";
    /// A parameter of the query can't be understood.
    InvalidQuery = BAD_REQUEST, "invalid-query";
    /// The body can't be understood.
    InvalidBody = BAD_REQUEST, "invalid-body";
    /// An amount is not one.
    InvalidAmount = BAD_REQUEST, "invalid-amount";
    /// A header of an upload can't be understood.
    InvalidUpload = BAD_REQUEST, "invalid-upload";
    /// A WebSocket was asked for without a handshake.
    NotAWebsocket = BAD_REQUEST, "not-a-websocket";
    /// More than an event may hold.
    TooLarge = BAD_REQUEST, "too-large";
    /// A signal's number does not rise.
    StaleSignal = BAD_REQUEST, "stale-signal";
    /// Nobody whom the server knows.
    NotLoggedIn = UNAUTHORIZED, "not-logged-in";
    /// A link to a medium has ended.
    LinkExpired = FORBIDDEN, "link-expired";
    /// No endpoint has this path.
    NoSuchEndpoint = NOT_FOUND, "no-such-endpoint";
    /// No read model has this name.
    ReadModelNotFound = NOT_FOUND, "read-model-not-found";
    /// No such top-up, or not the caller's.
    TopUpNotFound = NOT_FOUND, "top-up-not-found";
    /// No such line in the statement.
    LineNotFound = NOT_FOUND, "line-not-found";
    /// The merchant has given no such refund.
    RefundNotFound = NOT_FOUND, "refund-not-found";
    /// The path takes other methods.
    WrongMethod = METHOD_NOT_ALLOWED, "wrong-method";
    /// The body did not arrive in time.
    BodyTooSlow = REQUEST_TIMEOUT, "body-too-slow";
    /// The first request with this key is under way.
    KeyInFlight = CONFLICT, "key-in-flight";
    /// A position of another log, or of one restored from a backup.
    PositionAhead = CONFLICT, "position-ahead";
    /// Only small groups tell who has read.
    GroupTooLarge = CONFLICT, "group-too-large";
    /// The day of the bill is not over.
    BillNotReady = CONFLICT, "bill-not-ready";
    /// The bill has too many lines.
    BillTooLarge = CONFLICT, "bill-too-large";
    /// The read model is being rebuilt.
    RebuildUnderway = CONFLICT, "rebuild-underway";
    /// The read model is not there yet itself, so that nothing could serve while it is rebuilt.
    ReadModelCatchingUp = CONFLICT, "read-model-catching-up";
    /// The server goes by the machine's clock.
    ClockNotMovable = CONFLICT, "clock-not-movable";
    /// Another version of tus.
    TusVersion = PRECONDITION_FAILED, "tus-version";
    /// A body of more bytes than are taken.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body-too-large";
    /// The body of a part of an upload says that it is something else.
    WrongContentType = UNSUPPORTED_MEDIA_TYPE, "wrong-content-type";
    /// The key was used with another request.
    KeyReused = UNPROCESSABLE_ENTITY, "key-reused";
    /// Too often.
    RateLimited = TOO_MANY_REQUESTS, "rate-limited";
    /// Too many passwords to check.
    Busy = TOO_MANY_REQUESTS, "busy";
    /// The server's fault.
    Internal = INTERNAL_SERVER_ERROR, "internal";
    /// The server stops.
    Stopping = SERVICE_UNAVAILABLE, "stopping";
    /// Too many write to one stream.
    Contended = SERVICE_UNAVAILABLE, "contended";
    /// Too much waits to be written.
    Overloaded = SERVICE_UNAVAILABLE, "overloaded";
    /// The log takes no writes.
    ReadOnly = SERVICE_UNAVAILABLE, "read-only";
    /// The log can't be reached.
    LogUnavailable = SERVICE_UNAVAILABLE, "log-unavailable";
    /// Too many media on their way in.
    Crowded = SERVICE_UNAVAILABLE, "crowded";
    /// The bytes of media can't be read or written.
    MediaUnavailable = SERVICE_UNAVAILABLE, "media-unavailable";
    /// Nothing is connected that could do it.
    NotConnected = SERVICE_UNAVAILABLE, "not-connected";
    /// The forwarding unit is full.
    ForwardingFull = SERVICE_UNAVAILABLE, "forwarding-full";
    /// Who is asked outside does not answer.
    GatewaySilent = SERVICE_UNAVAILABLE, "gateway-silent";
    /// A read model is behind.
    ReadModelBehind = SERVICE_UNAVAILABLE, "read-model-behind";
    /// A rebuild of a read model failed.
    RebuildFailed = SERVICE_UNAVAILABLE, "rebuild-failed";
    /// The other device of a call can't be reached.
    PeerUnreachable = SERVICE_UNAVAILABLE, "peer-unreachable";
}
