//! What hosts, addresses and ports look like.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::party::{DEFAULT_PORT, Host, Ports};
use super::suggest::quoted;
use super::values::Complaint;

/// The longest domain name (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
/// The longest first part of the address of a mailbox (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// The first port that may be an additional one of a SIP Interface.
const FIRST_ADDITIONAL_PORT: u16 = 1_025;
const RANGE_EXAMPLE: &str = "for example \"6000-6999\"";

/// Judges a host: a domain name (RFC 3261 §25.1; an underscore is let through, since such names are
/// in use), an IPv4 address, an IPv6 address in brackets; a port behind it if it may have one.
pub(super) fn check_host(text: &str, with_port: bool) -> Result<(), Complaint> {
    if text.contains('@') || text.starts_with("sip:") || text.starts_with("sips:") {
        return Err(
            Complaint::new(format!("is {}, but must be a host alone", quoted(text)))
                .hint("without \"sip:\" and without a user"),
        );
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(
            Complaint::new(format!("is {}, without brackets", quoted(text)))
                .hint(format!("write it \"[{text}]\"")),
        );
    }
    let (host, port) = split_port(text);
    match port {
        Some(_) if !with_port => {
            return Err(
                Complaint::new(format!("is {}, but takes no port", quoted(text)))
                    .hint("the port of a registrar stands in the address of its proxy"),
            );
        }
        Some(port) if parse_port(port).is_none() => return Err(bad_port(port)),
        Some(_) | None => {}
    }
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return match inner.parse::<Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) => Err(Complaint::new(format!(
                "is {}, which is no IPv6 address",
                quoted(text)
            ))),
        };
    }
    check_domain(host)
}

fn check_domain(host: &str) -> Result<(), Complaint> {
    let complaint = || Complaint::new(format!("is {}, which is no host", quoted(host)));
    if let Some(odd) = host.chars().find(|one| !is_domain_char(*one)) {
        let hint = if odd.is_ascii() {
            format!("{odd:?} cannot be in a host")
        } else {
            "write letters outside ASCII in the form that begins with \"xn--\"".to_owned()
        };
        return Err(complaint().hint(hint));
    }
    let mut labels = host.strip_suffix('.').unwrap_or(host).split('.');
    let bad = |label: &str| {
        label.is_empty() || label.len() > 63 || label.starts_with('-') || label.ends_with('-')
    };
    if labels.clone().any(bad) {
        return Err(complaint().hint("each part has 1 to 63 characters and \"-\" only inside"));
    }
    let last = labels.next_back().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) && host.parse::<IpAddr>().is_err() {
        return Err(complaint().hint("an IPv4 address has four numbers of at most 255"));
    }
    Ok(())
}

/// Judges the address of a mailbox: the usual form, without quotes, comments or a name before it
/// (RFC 5321 §4.1.2). Letters outside ASCII may be in its first part.
pub(super) fn check_email(text: &str) -> Result<(), Complaint> {
    let complaint = || {
        let message = format!("is {}, which is no e-mail address", quoted(text));
        Complaint::new(message)
    };
    let example = "for example \"operations@example.net\"";
    let Some((local, host)) = text.rsplit_once('@') else {
        return Err(complaint().hint(example));
    };
    if text.contains(['<', '>', ',', ';']) || text.contains(char::is_whitespace) {
        return Err(complaint().hint("one address alone, without a name"));
    }
    let is_odd = |one: char| {
        let is_plain = one.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(one);
        one.is_ascii() && !is_plain
    };
    let is_dotted = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    if local.is_empty() || local.len() > MAX_LOCAL || is_dotted {
        let hint = format!("before \"@\" stand 1 to {MAX_LOCAL} characters, and \".\" only inside");
        return Err(complaint().hint(hint));
    }
    if let Some(odd) = local.chars().find(|one| is_odd(*one)) {
        return Err(complaint().hint(format!("{odd:?} cannot be in it")));
    }
    if check_host(host, false).is_err() || host.starts_with('[') {
        return Err(complaint().hint("behind \"@\" stands a domain name"));
    }
    Ok(())
}

/// Judges an address of the web: `http` or `https`, a host, a port or none, a path (RFC 3986 §3).
/// Who may be told it is nobody's business, so a user and a password cannot be in it.
pub(super) fn check_url(text: &str) -> Result<(), Complaint> {
    let complaint = |hint: &str| Complaint::new("is no address of the web").hint(hint);
    let example = "for example \"https://hooks.example.net/regent\"";
    let rest = text.split_once("://");
    let rest = rest.filter(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    let Some((_, rest)) = rest else {
        return Err(complaint(example));
    };
    if !text.is_ascii() || text.contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}']) {
        return Err(complaint(
            "other characters than ASCII, and some of that, are written as %XX",
        ));
    }
    if text.contains('#') {
        return Err(complaint("what follows \"#\" is never sent: leave it out"));
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let host = &rest[..end];
    if host.contains('@') {
        return Err(complaint(
            "without a user: sign requests with webhook_secret",
        ));
    }
    match check_host(host, true) {
        Ok(()) if !host.is_empty() => Ok(()),
        Ok(()) | Err(_) => Err(complaint(example)),
    }
}

fn is_domain_char(one: char) -> bool {
    one.is_ascii_alphanumeric() || matches!(one, '-' | '_' | '.')
}

/// An IP address alone.
pub(super) fn parse_ip(text: &str) -> Result<IpAddr, Complaint> {
    let complaint = |hint: &str| {
        Complaint::new(format!("is {}, which is no IP address", quoted(text))).hint(hint)
    };
    let address = match text.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) if text.parse::<SocketAddr>().is_ok() => {
            return Err(complaint("the port has a key of its own: udp_port"));
        }
        Err(_) if text.starts_with('[') => return Err(complaint("without brackets here")),
        Err(_) => return Err(complaint("for example \"192.0.2.1\" or \"2001:db8::1\"")),
    };
    if address.is_multicast() {
        return Err(Complaint::new(format!("is {address}, a multicast address")));
    }
    Ok(address)
}

/// An address to speak to: an IP address or a domain name, with or without a port. An IP address
/// gets the default port; a name loses the dot at its end and its capitals, which mean nothing.
pub(super) fn parse_peer(text: &str) -> Result<(Host, Option<u16>), Complaint> {
    if text.contains('%') {
        return Err(Complaint::new(format!("is {}, with a zone", quoted(text)))
            .hint("zones of IPv6 addresses are not supported"));
    }
    let (host, port) = match text.parse::<Ipv6Addr>() {
        Ok(_) => (text, None),
        Err(_) => split_port(text),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let ip = bare.unwrap_or(host).parse::<IpAddr>().ok();
    if ip.is_none() {
        if text.contains("//") || bare.is_some() || host.contains(':') {
            return Err(
                Complaint::new(format!("is {}, which is no address", quoted(text))).hint(
                    "for example \"192.0.2.1:5060\", \"[2001:db8::1]:5060\" or \
                     \"sip.carrier.example\"",
                ),
            );
        }
        check_host(host, true)?;
        if host.trim_end_matches('.').len() > MAX_NAME {
            let message = format!("is a name of more than {MAX_NAME} characters");
            return Err(Complaint::new(message));
        }
    }
    let port = match port.map(|text| parse_port(text).ok_or_else(|| bad_port(text))) {
        None => None,
        Some(port) => Some(port?),
    };
    let Some(address) = ip else {
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        return Ok((Host::Name(name.into()), port));
    };
    if address.is_unspecified() || address.is_multicast() {
        return Err(Complaint::new(format!(
            "is {}, where no proxy can be",
            quoted(text)
        )));
    }
    Ok((Host::Ip(address), Some(port.unwrap_or(DEFAULT_PORT))))
}

/// An IP address with or without a port, of a server that is neither of nobody nor of many.
pub(super) fn parse_address(text: &str, usual_port: u16) -> Result<SocketAddr, Complaint> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let ip = bare.map_or_else(
        || text.parse::<IpAddr>(),
        |bare| bare.parse::<Ipv6Addr>().map(IpAddr::V6),
    );
    let address = ip
        .map(|ip| SocketAddr::new(ip, usual_port))
        .or_else(|_| text.parse());
    let is_good = |it: &SocketAddr| {
        it.port() > 0 && !it.ip().is_unspecified() && !it.ip().is_multicast() && !text.contains('%')
    };
    address.ok().filter(is_good).ok_or_else(|| {
        let message = format!("has {}, which is no address of a server", quoted(text));
        Complaint::new(message).hint(format!(
            "for example \"192.0.2.53\" or \"[2001:db8::53]:{usual_port}\""
        ))
    })
}

/// A range of ports: `6000-6999`.
pub(super) fn parse_ports(text: &str) -> Result<Ports, Complaint> {
    let complaint = || Complaint::new(format!("is {}, which is no range of ports", quoted(text)));
    let Some((first, last)) = text.split_once('-') else {
        return Err(complaint().hint(match parse_port(text) {
            Some(port) => format!("for one port write \"{port}-{port}\""),
            None => RANGE_EXAMPLE.to_owned(),
        }));
    };
    let ends = parse_port(first.trim()).zip(parse_port(last.trim()));
    match ends {
        None => Err(complaint().hint(RANGE_EXAMPLE)),
        Some((first, last)) if first > last => {
            Err(complaint().hint(format!("the lower one comes first: \"{last}-{first}\"")))
        }
        Some((first, last)) if first >= FIRST_ADDITIONAL_PORT => Ok(Ports { first, last }),
        Some(_) => Err(complaint().hint(format!(
            "additional ports are from {FIRST_ADDITIONAL_PORT} to 65535"
        ))),
    }
}

/// Host and port of `host:port`, `[v6]:port`, `host` or `[v6]`.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

fn bad_port(text: &str) -> Complaint {
    Complaint::new(format!(
        "has the port {}, but must have 1 to 65535",
        quoted(text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_judged_by_their_syntax() {
        for good in [
            "carrier.example",
            "carrier.example.",
            "a",
            "my_pbx.local",
            "4u.example:5060",
            "192.0.2.1",
            "192.0.2.1:1",
            "[2001:db8::1]",
            "[2001:db8::1]:65535",
            "xn--bcher-kva.example",
        ] {
            assert_eq!(check_host(good, true), Ok(()), "{good}");
        }
        for bad in [
            ".",
            "a..b",
            "-a.example",
            "carrier.example:0",
            "carrier.example:65536",
            "carrier.example:",
            "carrier.example:+5",
            "192.0.2.256",
            "192.0.2",
            "2001:db8::1",
            "[2001:db8::1",
            "[192.0.2.1]",
            "sip:carrier.example",
            "u@carrier.example",
            "bücher.example",
            "a b",
            "a/b",
            "a\r\nb",
        ] {
            assert!(check_host(bad, true).is_err(), "{bad}");
        }
    }

    /// What is said of an address or a range.
    fn said<T: std::fmt::Debug>(outcome: Result<T, Complaint>) -> String {
        let Complaint { message, hint } = outcome.unwrap_err();
        match hint {
            Some(hint) => format!("{message} ({hint})"),
            None => message,
        }
    }

    // Rule P1.
    #[test]
    fn addresses_of_proxies_are_ips_and_names_with_and_without_a_port() {
        let ip = |text: &str| Host::Ip(text.parse().unwrap());
        let name = |text: &str| Host::Name(text.into());
        for (written, host, port) in [
            ("192.0.2.1", ip("192.0.2.1"), Some(5060)),
            ("192.0.2.1:5070", ip("192.0.2.1"), Some(5070)),
            ("2001:db8::1", ip("2001:db8::1"), Some(5060)),
            ("[2001:db8::1]", ip("2001:db8::1"), Some(5060)),
            ("[2001:db8::1]:5070", ip("2001:db8::1"), Some(5070)),
            ("sip.carrier.example", name("sip.carrier.example"), None),
            ("SIP.Carrier.Example.", name("sip.carrier.example"), None),
            (
                "sip.carrier.example:1",
                name("sip.carrier.example"),
                Some(1),
            ),
            (
                "carrier.example.:65535",
                name("carrier.example"),
                Some(65535),
            ),
            ("registrar", name("registrar"), None),
            ("1.2.3.4.example", name("1.2.3.4.example"), None),
        ] {
            assert_eq!(parse_peer(written), Ok((host, port)), "{written}");
        }
    }

    // Rule P1.
    #[test]
    fn what_is_no_address_of_a_proxy_is_told_why() {
        let longest = format!("{}abc", "a.".repeat(125));
        assert!(parse_peer(&longest).is_ok());
        let no_address = "which is no address (for example \"192.0.2.1:5060\", \
                          \"[2001:db8::1]:5060\" or \"sip.carrier.example\")";
        let no_ipv4 = "which is no host (an IPv4 address has four numbers of at most 255)";
        for (written, complaint) in [
            (
                "192.0.2.1:99999",
                "has the port \"99999\", but must have 1 to 65535".to_owned(),
            ),
            (
                "carrier.example:sip",
                "has the port \"sip\", but must have 1 to 65535".to_owned(),
            ),
            (
                "192.0.2.1:",
                "has the port \"\", but must have 1 to 65535".to_owned(),
            ),
            (
                "0.0.0.0:5060",
                "is \"0.0.0.0:5060\", where no proxy can be".to_owned(),
            ),
            (
                "224.0.0.1",
                "is \"224.0.0.1\", where no proxy can be".to_owned(),
            ),
            (
                "fe80::1%eth0",
                "is \"fe80::1%eth0\", with a zone (zones of IPv6 addresses are not supported)"
                    .to_owned(),
            ),
            (
                "udp://192.0.2.1",
                format!("is \"udp://192.0.2.1\", {no_address}"),
            ),
            ("2001:db8::zz", format!("is \"2001:db8::zz\", {no_address}")),
            ("[192.0.2]:1", format!("is \"[192.0.2]:1\", {no_address}")),
            ("1.2.3", format!("is \"1.2.3\", {no_ipv4}")),
            ("1.2.3:5060", format!("is \"1.2.3\", {no_ipv4}")),
            ("300.1.2.3", format!("is \"300.1.2.3\", {no_ipv4}")),
            ("5060", format!("is \"5060\", {no_ipv4}")),
            (
                "u@carrier.example",
                "is \"u@carrier.example\", but must be a host alone \
                 (without \"sip:\" and without a user)"
                    .to_owned(),
            ),
            (
                "a b",
                "is \"a b\", which is no host (' ' cannot be in a host)".to_owned(),
            ),
            (
                &format!("x{longest}"),
                "is a name of more than 253 characters".to_owned(),
            ),
        ] {
            assert_eq!(said(parse_peer(written)), complaint, "{written}");
        }
    }

    #[test]
    fn addresses_of_servers_are_ips_with_and_without_a_port() {
        for (written, address) in [
            ("192.0.2.53", "192.0.2.53:53"),
            ("192.0.2.53:5353", "192.0.2.53:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]", "[2001:db8::53]:53"),
            ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ] {
            assert_eq!(parse_address(written, 53), Ok(address.parse().unwrap()));
        }
        for bad in [
            "",
            "dns.example",
            "192.0.2.53:0",
            "192.0.2.53:99999",
            "[192.0.2.53]",
            "0.0.0.0",
            "224.0.0.1:53",
            "[fe80::1%1]:53",
        ] {
            let wanted = format!(
                "has {bad:?}, which is no address of a server \
                 (for example \"192.0.2.53\" or \"[2001:db8::53]:53\")"
            );
            assert_eq!(said(parse_address(bad, 53)), wanted);
        }
    }

    // Rules U1, U5.
    #[test]
    fn ranges_of_ports_have_two_ends_above_1024() {
        for (written, first, last) in [
            ("6000-7000", 6000, 7000),
            ("1025-65535", 1025, 65535),
            ("6000 - 6000", 6000, 6000),
        ] {
            assert_eq!(parse_ports(written), Ok(Ports { first, last }), "{written}");
        }
        for (written, hint) in [
            ("6000", "for one port write \"6000-6000\""),
            ("", RANGE_EXAMPLE),
            ("6000-", RANGE_EXAMPLE),
            ("6000-70000", RANGE_EXAMPLE),
            ("6000-6500-7000", RANGE_EXAMPLE),
            ("7000-6000", "the lower one comes first: \"6000-7000\""),
            ("1024-2000", "additional ports are from 1025 to 65535"),
        ] {
            let wanted = format!("is {written:?}, which is no range of ports ({hint})");
            assert_eq!(said(parse_ports(written)), wanted);
        }
    }
}
