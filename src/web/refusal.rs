//! Why a request is not answered as its sender wants.

use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::body::json;
use crate::control::protocol::{Fault, FaultCode};

/// A refusal: a status, and what is said to programs and to people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal(Box<Why>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Why {
    status: StatusCode,
    code: Word,
    message: String,
    hint: Option<String>,
    diagnostics: Vec<String>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// A code for programs: one of the control protocol's, or one that only the web has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
enum Word {
    Fault(FaultCode),
    Web(&'static str),
}

#[derive(Serialize)]
struct Told<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: Word,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    diagnostics: &'a [String],
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Why {
            status,
            code: Word::Web(code),
            message: message.into(),
            hint: None,
            diagnostics: Vec::new(),
            header: None,
        }))
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> StatusCode {
        self.0.status
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// The request is not what it should be.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    /// A parameter is not what it should be.
    pub(super) fn bad_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-params", message)
    }

    /// Nobody has said who is asking.
    pub(super) fn unknown_visitor() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "sign in first")
            .hint("`regent web` prints a link that does; programs send Authorization: Bearer TOKEN")
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// What was shown lets nobody in.
    pub(super) fn wrong_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "wrong-token",
            "the token or code is not right, or not any more",
        )
        .hint("a code is good for a minute and once: `regent web` prints another link")
        .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// Whoever asks may not do that.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "refused", message)
    }

    /// A foreign page may have sent it.
    pub(super) fn cross_site(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "cross-site", message)
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is nothing here")
            .hint("/api/v1/openapi.json lists what there is")
    }

    pub(super) fn wrong_method(allowed: &str) -> Self {
        let refusal = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            format!("this takes {allowed} only"),
        );
        match HeaderValue::from_str(allowed) {
            Ok(value) => refusal.header(ALLOW, value),
            Err(_) => refusal,
        }
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the body has more than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message)
    }

    pub(super) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            "the body did not come in time",
        )
    }

    pub(super) fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "the body must be JSON",
        )
        .hint("send Content-Type: application/json")
    }

    /// It was asked for under a name that is not ours.
    pub(super) fn wrong_host(host: &str) -> Self {
        let shown: String = host.chars().take(60).collect();
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong-host",
            format!("this is not {shown:?}"),
        )
        .hint("list the name in `hosts` of [web]")
    }

    /// The daemon's loop does not answer.
    pub(super) fn deaf() -> Self {
        let message = "the daemon's loop does not answer";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    pub(super) fn too_many(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", message)
            .header(RETRY_AFTER, HeaderValue::from_static("1"))
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let status = match fault.code {
            FaultCode::Refused => StatusCode::FORBIDDEN,
            FaultCode::BadRequest
            | FaultCode::BadVersion
            | FaultCode::BadParams
            | FaultCode::UnknownMethod
            | FaultCode::Unknown => StatusCode::BAD_REQUEST,
            FaultCode::UnknownAccount
            | FaultCode::UnknownProxySet
            | FaultCode::UnknownGroup
            | FaultCode::UnknownAlert => StatusCode::NOT_FOUND,
            FaultCode::NoHistory | FaultCode::NoWeb | FaultCode::Configuration => {
                StatusCode::CONFLICT
            }
            FaultCode::Busy | FaultCode::Unreadable | FaultCode::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self(Box::new(Why {
            status,
            code: Word::Fault(fault.code),
            message: fault.message,
            hint: fault.hint,
            diagnostics: fault.diagnostics,
            header: None,
        }))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let why = *self.0;
        let told = Told {
            error: Error {
                code: why.code,
                message: &why.message,
                hint: why.hint.as_deref(),
                diagnostics: &why.diagnostics,
            },
        };
        let mut response = json(&told);
        *response.status_mut() = why.status;
        if let Some((name, value)) = why.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
