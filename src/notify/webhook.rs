//! A letter by webhook: a signed POST of JSON.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use rustls::crypto::ring;
use sha2::Sha256;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, Error};

use super::text::{Content, json};
use super::{Trouble, chain};
use crate::secret::Secret;

/// Where a POST goes, and as whom.
pub(super) struct Hook<'h> {
    pub(super) url: &'h str,
    pub(super) secret: Option<&'h Secret>,
    pub(super) user_agent: &'h str,
}

impl Hook<'_> {
    /// Posts. What is answered by 2xx is delivered.
    pub(super) fn post(&self, id: &str, content: Content<'_>) -> Result<(), Trouble> {
        let body = json(id, content);
        let body =
            body.map_err(|error| Trouble::refusal(format!("no JSON can be made: {error}")))?;
        let mut request = agent()
            .post(self.url)
            .header(header::USER_AGENT, plain(self.user_agent))
            .header(header::CONTENT_TYPE, "application/json")
            .header("Regent-Delivery", id);
        if let Some(secret) = self.secret {
            let signature = signature(secret, &body);
            request = request.header("Regent-Signature", format!("sha256={signature}"));
        }
        match request.send(&body[..]) {
            Ok(response) => judge(&response),
            Err(error) => Err(Trouble::new(reason(&error))),
        }
    }
}

/// Why there is no answer. Whom it is for is said with it, by whoever says it.
fn reason(error: &Error) -> String {
    if let Error::Io(error) = error {
        return chain(error);
    }
    if matches!(error, Error::HostNotFound) {
        return "its name leads to no address".to_owned();
    }
    if matches!(error, Error::Timeout(_)) {
        return format!("it takes more than {} s", PATIENCE.as_secs());
    }
    chain(error)
}

/// A text as a header of HTTP may hold it. In SIP ours may be of any script.
fn plain(text: &str) -> String {
    let plain = |one: char| match one.is_ascii_graphic() || one == ' ' {
        true => one,
        false => '?',
    };
    text.chars().map(plain).collect()
}

/// HMAC-SHA256 of the body, in hexadecimal (RFC 2104 §2).
fn signature(secret: &Secret, body: &[u8]) -> String {
    // Keys of every length are good.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

fn judge(response: &Response<Body>) -> Result<(), Trouble> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let reason = status.canonical_reason().unwrap_or("no reason given");
    let what = format!("it answers {} {reason}", status.as_u16());
    if status.is_redirection() {
        return Err(Trouble::refusal(format!(
            "{what}, and redirects are not followed"
        )));
    }
    let may_pass = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if status.is_client_error() && !may_pass.contains(&status) {
        return Err(Trouble::refusal(what));
    }
    let wait = response.headers().get(header::RETRY_AFTER);
    let wait = wait.and_then(|value| seconds(value.to_str().ok()?, Timestamp::now()));
    Err(Trouble {
        wait,
        ..Trouble::new(what)
    })
}

/// The seconds of a Retry-After, which may name a date (RFC 9110 §10.2.3).
fn seconds(value: &str, now: Timestamp) -> Option<u64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    let until = DateTimeParser::new().parse_timestamp(value).ok()?;
    u64::try_from(until.as_second().saturating_sub(now.as_second())).ok()
}

fn agent() -> Agent {
    let system = rustls_native_certs::load_native_certs().certs;
    let roots = system
        .iter()
        .map(|der| Certificate::from_der(der).to_owned());
    let roots: Vec<_> = roots.collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build();
    config.new_agent()
}

/// The part of an address that may be shown.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// So long a webhook may take.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_the_standard_says() {
        // RFC 4231 §4.3, test case 2.
        assert_eq!(
            signature(&Secret::new("Jefe"), b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    // rule T3
    #[test]
    fn a_name_of_any_script_keeps_no_request_back() {
        use ureq::http::HeaderValue;
        let shown = plain("Büro\t1\r\nX: y");
        assert_eq!(shown, "B?ro?1??X: y");
        assert!(HeaderValue::from_str(&shown).is_ok());
    }

    // rule T3
    #[test]
    fn what_may_pass_is_no_refusal() {
        let judged = |code: u16| {
            let response = Response::builder().status(code).header("Retry-After", "90");
            judge(&response.body(Body::builder().data("")).unwrap())
        };
        for code in [200, 202, 204] {
            assert_eq!(judged(code), Ok(()));
        }
        for (code, is_refusal) in [
            (301, true),
            (400, true),
            (401, true),
            (404, true),
            (410, true),
            (408, false),
            (425, false),
            (429, false),
            (500, false),
            (503, false),
        ] {
            let trouble = judged(code).unwrap_err();
            assert_eq!(trouble.is_refusal, is_refusal, "{trouble:?}");
            assert_eq!(trouble.wait, (!is_refusal).then_some(90), "{trouble:?}");
        }
    }

    // rule T3
    #[test]
    fn a_reason_says_what_is_so_and_neither_whose_nor_how_it_is_known() {
        let refused = std::io::Error::from_raw_os_error(111);
        assert_eq!(reason(&Error::Io(refused)), "Connection refused");
        let mute = Error::Timeout(ureq::Timeout::Global);
        assert_eq!(reason(&mute), "it takes more than 30 s");
        assert_eq!(reason(&Error::HostNotFound), "its name leads to no address");
        let hook = Hook {
            // Nobody can listen there.
            url: "http://127.0.0.1:0/token",
            secret: None,
            user_agent: "regent",
        };
        let said = hook.post("1", Content::Test("ops", crate::status::UnixMs(0)));
        let said = said.unwrap_err().what;
        for part in ["127.0.0.1", "token", "io: ", "os error"] {
            assert!(!said.contains(part), "{said:?}");
        }
        assert!(!said.is_empty());
    }

    // rule T3
    #[test]
    fn a_server_may_name_the_time_at_which_it_wants_to_be_asked_again() {
        let now = "2026-11-22T10:00:00.9Z".parse().unwrap();
        for (value, expected) in [
            ("90", Some(90)),
            (" 0 ", Some(0)),
            ("Sun, 22 Nov 2026 10:02:00 GMT", Some(120)),
            ("Sun, 22 Nov 2026 10:00:00 GMT", Some(0)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", None),
            ("tomorrow", None),
            ("", None),
            ("-5", None),
        ] {
            assert_eq!(seconds(value, now), expected, "{value:?}");
        }
    }

    #[test]
    fn only_the_host_of_an_address_is_shown() {
        for (url, shown) in [
            ("https://hooks.example.net/a?token=x", "hooks.example.net"),
            ("http://[::1]:8080", "[::1]:8080"),
            ("http://h?token=x", "h"),
        ] {
            assert_eq!(host(url), shown);
        }
    }
}
