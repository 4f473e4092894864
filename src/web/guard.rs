//! What a request must be like before anybody looks at what it wants: for whom it is, who sends it,
//! and that no foreign page does.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, ORIGIN, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Version};

use super::access::Right;
use super::body::is_json;
use super::refusal::Refusal;
use crate::secret::Secret;

/// How somebody has said who they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    /// By a header that a browser never sends on its own.
    Token(Secret),
    /// By a cookie, which it does.
    Session(Secret),
    /// Not at all.
    Nothing,
}

impl Shown {
    /// What a request shows.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let header = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
        if let Some((scheme, token)) = header.and_then(|text| text.split_once(' '))
            && scheme.eq_ignore_ascii_case("bearer")
        {
            return Self::Token(Secret::new(token.trim()));
        }
        match session(headers) {
            Some(id) => Self::Session(Secret::new(id)),
            None => Self::Nothing,
        }
    }
}

/// The name of the cookie that holds a session. Browsers tell hosts apart by cookie and ports not,
/// so that two daemons of one host need two names.
pub(super) fn cookie_name(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|it| it.to_str().ok());
    let host = host.unwrap_or_default();
    let port = host.strip_prefix(without_port(host));
    match port.and_then(|port| port.strip_prefix(':')) {
        None | Some("") => COOKIE_NAME.to_owned(),
        Some(port) => format!("{COOKIE_NAME}-{port}"),
    }
}

/// Whether the browser has come by TLS, which a proxy before us speaks.
pub(super) fn is_by_tls(headers: &HeaderMap) -> bool {
    let origin = headers.get(ORIGIN).and_then(|it| it.to_str().ok());
    origin.is_some_and(|origin| origin.starts_with("https://"))
}

/// The session that a cookie names.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    let name = cookie_name(headers);
    let cookies = headers.get_all(COOKIE).iter();
    let cookies = cookies.filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';'));
    let own = pairs.find_map(|pair| pair.trim().strip_prefix(&*name)?.strip_prefix('='));
    own.filter(|id| !id.is_empty())
}

/// Whether a request is for us. Returns what it calls us.
pub(super) fn host(parts: &Parts, hosts: &[Arc<str>]) -> Result<(), Refusal> {
    let mut all = parts.headers.get_all(HOST).iter();
    let (first, second) = (all.next(), all.next());
    if second.is_some() {
        return Err(Refusal::bad("there are two Host headers"));
    }
    let given = match (parts.uri.authority(), first) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host
            .to_str()
            .map_err(|_| Refusal::bad("the Host header cannot be read"))?,
        // A browser never leaves it out.
        (None, None) if parts.version < Version::HTTP_11 => return Ok(()),
        (None, None) => return Err(Refusal::bad("there is no Host header")),
    };
    match is_ours(given, hosts) {
        true => Ok(()),
        false => Err(Refusal::wrong_host(given)),
    }
}

/// Whether a host is one that we may be asked by. A page that has its own name point to our address
/// is found out by that name.
fn is_ours(given: &str, hosts: &[Arc<str>]) -> bool {
    let name = without_port(given).trim_end_matches('.');
    if let Some(literal) = name.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        return literal.parse::<Ipv6Addr>().is_ok();
    }
    name.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4())
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|host| name.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a request that changes something can come of a foreign page. `shown` is how its sender
/// is known; `trusted` is whoever comes by a socket of the file system.
pub(super) fn cross_site(parts: &Parts, shown: &Shown, trusted: bool) -> Result<(), Refusal> {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let text = |name: &str| {
        let value = parts.headers.get(name);
        value.map(|value| value.to_str().unwrap_or("?"))
    };
    if let Some(site) = text("sec-fetch-site")
        && !["same-origin", "none"].contains(&site)
    {
        return Err(Refusal::cross_site("another site has sent this"));
    }
    if let Some(origin) = text(ORIGIN.as_str()) {
        let own = text(HOST.as_str()).or_else(|| parts.uri.authority().map(|it| it.as_str()));
        let origin = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        let is_own = origin
            .zip(own)
            .is_some_and(|(origin, own)| origin.eq_ignore_ascii_case(own));
        if !is_own {
            return Err(
                Refusal::cross_site("a page of another origin has sent this")
                    .hint("a reverse proxy must pass the Host header on as it comes"),
            );
        }
    }
    let has_body = [CONTENT_LENGTH, TRANSFER_ENCODING]
        .iter()
        .any(|name| parts.headers.get(name).is_some_and(|value| value != "0"));
    if (has_body || parts.method != Method::DELETE) && !is_json(&parts.headers) {
        return Err(Refusal::not_json());
    }
    // What a browser shows of its own accord is no proof of what its user wants.
    let is_ambient = matches!(shown, Shown::Session(_)) || trusted;
    if is_ambient && text(MARK).is_none_or(|value| value != "1") {
        let message = "the header X-Regent: 1 is missing";
        return Err(Refusal::cross_site(message));
    }
    Ok(())
}

/// Whether somebody may do something.
pub(super) fn may(has: Right, needs: Right) -> Result<(), Refusal> {
    match has >= needs {
        true => Ok(()),
        false => Err(Refusal::forbidden("this token may look and not act")),
    }
}

/// What the name of the cookie that holds a session begins with.
const COOKIE_NAME: &str = "regent";

/// The header that a page of ours sends, and one of another site cannot.
const MARK: &str = "x-regent";

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{Request, StatusCode};

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    // rule T4
    #[test]
    fn addresses_and_known_names_are_ours() {
        let hosts: [Arc<str>; 1] = ["regent.example.net".into()];
        for good in [
            "127.0.0.1",
            "127.0.0.1:8060",
            "192.0.2.1:80",
            "[::1]:8060",
            "[2001:db8::1]",
            "localhost:8060",
            "LocalHost",
            "regent.example.net",
            "Regent.Example.Net.:443",
        ] {
            assert!(
                host(&parts("GET", &[("host", good)]), &hosts).is_ok(),
                "{good}"
            );
        }
        for bad in [
            "attacker.example",
            "127.0.0.1.attacker.example",
            "localhost.attacker.example",
            "xregent.example.net",
            "regent.example.net@attacker.example",
            "::1",
            "[attacker]",
            "",
        ] {
            let refusal = host(&parts("GET", &[("host", bad)]), &hosts).unwrap_err();
            assert_eq!(refusal.status(), StatusCode::MISDIRECTED_REQUEST, "{bad}");
        }
        let twice = parts("GET", &[("host", "localhost"), ("host", "localhost")]);
        assert_eq!(
            host(&twice, &hosts).unwrap_err().status(),
            StatusCode::BAD_REQUEST
        );
        let none = host(&parts("GET", &[]), &hosts).unwrap_err();
        assert_eq!(none.status(), StatusCode::BAD_REQUEST);
    }

    // rule T4
    #[test]
    fn each_guard_holds_alone() {
        let good = [
            ("host", "localhost:8060"),
            ("origin", "http://localhost:8060"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json; charset=utf-8"),
            ("x-regent", "1"),
        ];
        let session = Shown::Session(Secret::new("s"));
        assert!(cross_site(&parts("POST", &good), &session, false).is_ok());
        for (name, value) in [
            ("origin", "http://attacker.example"),
            ("origin", "null"),
            ("origin", "http://localhost:80"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("content-type", "text/plain"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-regent", "0"),
        ] {
            let changed = good.map(|(key, old)| (key, if key == name { value } else { old }));
            let refusal = cross_site(&parts("POST", &changed), &session, false);
            assert!(refusal.is_err(), "{name}: {value}");
        }
        for left_out in ["content-type", "x-regent"] {
            let kept: Vec<_> = good
                .into_iter()
                .filter(|(key, _)| *key != left_out)
                .collect();
            assert!(
                cross_site(&parts("PUT", &kept), &session, false).is_err(),
                "{left_out}"
            );
        }
        // A program shows a token, and sends no header that only browsers send.
        let plain = [("host", "localhost"), ("content-type", "application/json")];
        let token = Shown::Token(Secret::new("t"));
        assert!(cross_site(&parts("POST", &plain), &token, false).is_ok());
        assert!(cross_site(&parts("POST", &plain), &Shown::Nothing, true).is_err());
        assert!(cross_site(&parts("GET", &[]), &session, false).is_ok());
        assert!(cross_site(&parts("DELETE", &[("x-regent", "1")]), &session, false).is_ok());
    }

    #[test]
    fn a_visitor_is_known_by_header_or_cookie() {
        let of = |headers: &[(&str, &str)]| Shown::of(&parts("GET", headers).headers);
        let cookie = ("cookie", "other=1; regent=abc; regentx=2");
        assert_eq!(of(&[cookie]), Shown::Session(Secret::new("abc")));
        let both = of(&[("authorization", "bearer  t "), cookie]);
        assert_eq!(both, Shown::Token(Secret::new("t")));
        assert_eq!(of(&[("authorization", "Basic dTpw")]), Shown::Nothing);
        assert_eq!(of(&[("cookie", "regent=")]), Shown::Nothing);
        let two = (
            "cookie",
            "regent-8060=first; regent-8061=second; regent=none",
        );
        for (host, id) in [
            ("127.0.0.1:8060", "first"),
            ("[::1]:8061", "second"),
            ("regent.example.net", "none"),
            ("[2001:db8::1]", "none"),
        ] {
            let session = of(&[("host", host), two]);
            assert_eq!(session, Shown::Session(Secret::new(id)), "{host}");
        }
        let other = of(&[("host", "localhost:8062"), two]);
        assert_eq!(other, Shown::Nothing);
        let shown = format!("{both:?}");
        assert!(!shown.contains("\"t"), "{shown}");
    }
}
