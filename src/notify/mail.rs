//! A letter by mail: SMTP, under TLS unless it is switched off, with a login where one is given.

use std::time::{Duration, SystemTime};

use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{Error, SmtpTransport};
use lettre::{Address, Transport as _};

use super::text::{Content, body, subject};
use super::{Trouble, chain};
use crate::config::{Encryption, Mail};

/// Sends a mail. What its server has taken is delivered.
pub(super) fn send(mail: &Mail, to: &str, id: &str, content: Content<'_>) -> Result<(), Trouble> {
    let message = message(mail, to, id, content)?;
    let outcome = transport(mail)?.send(&message);
    outcome.map(drop).map_err(|error| trouble(mail, &error))
}

fn message(mail: &Mail, to: &str, id: &str, content: Content<'_>) -> Result<Message, Trouble> {
    let [from, to] = [mailbox(&mail.from), mailbox(to)];
    let (from, to) = (from?, to?);
    let host = from.email.domain().to_owned();
    let message = Message::builder()
        .from(from)
        .to(to)
        .subject(subject(content))
        .date(SystemTime::now())
        // The same whenever it is tried: who gets it twice sees that.
        .message_id(Some(format!("<{id}@{host}>")))
        .header(ContentType::TEXT_PLAIN)
        .raw_header(automatic())
        .body(body(content));
    message.map_err(|error| Trouble::refusal(format!("no mail can be made: {}", chain(&error))))
}

/// Nobody who is away answers a mail with this (RFC 3834 §5).
fn automatic() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

fn mailbox(address: &str) -> Result<Mailbox, Trouble> {
    let parsed: Result<Address, AddressError> = address.parse();
    let parsed = parsed.map_err(|error| {
        let what = format!("{address:?} is no address that a mail can go to: {error}");
        Trouble::refusal(what)
    });
    Ok(Mailbox::new(None, parsed?))
}

fn transport(mail: &Mail) -> Result<SmtpTransport, Trouble> {
    let server = &*mail.server;
    let parameters =
        || TlsParameters::new(server.to_owned()).map_err(|error| trouble(mail, &error));
    let tls = match mail.encryption {
        Encryption::StartTls => Tls::Required(parameters()?),
        Encryption::Tls => Tls::Wrapper(parameters()?),
        Encryption::None => Tls::None,
    };
    let mut transport = SmtpTransport::builder_dangerous(server)
        .port(mail.port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let Some(credentials) = &mail.credentials {
        let user = credentials.user_name.to_string();
        let password = credentials.password.reveal().to_owned();
        transport = transport.credentials(Credentials::new(user, password));
    }
    Ok(transport.build())
}

fn trouble(mail: &Mail, error: &Error) -> Trouble {
    let what = format!("{}:{}: {}", mail.server, mail.port, chain(error));
    match error.is_permanent() {
        true => Trouble::refusal(what),
        false => Trouble::new(what),
    }
}

/// So long a server may take for each of its answers.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::UnixMs;

    fn mail(from: &str) -> Mail {
        Mail {
            server: "mail.example.net".into(),
            port: 587,
            encryption: Encryption::StartTls,
            credentials: None,
            from: from.into(),
        }
    }

    // rule T3
    #[test]
    fn what_is_not_ascii_and_what_would_be_a_header_stay_where_they_belong() {
        let name = "Büro\r\nBcc: all@example.net";
        let content = Content::Test(name, UnixMs(0));
        let mail = mail("regent@example.net");
        let message = message(&mail, "a@example.net", "4f1c.1", content).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.is_ascii() && body.is_ascii(), "{text}");
        assert!(head.contains("Message-ID: <4f1c.1@example.net>"), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
        let lines = head.split("\r\n").filter(|line| line.starts_with("Bcc"));
        assert_eq!(lines.count(), 0, "{head}");
        assert_eq!(message.envelope().to().len(), 1);
    }

    // rule T3
    #[test]
    fn an_address_that_no_mail_can_go_to_is_refused_and_not_a_panic() {
        let content = Content::Test("a", UnixMs(0));
        for (from, to) in [("regent", "a@example.net"), ("regent@example.net", "a b@c")] {
            let trouble = message(&mail(from), to, "1", content).unwrap_err();
            assert!(trouble.is_refusal, "{trouble:?}");
            assert!(trouble.what.contains("no address"), "{trouble:?}");
        }
    }
}
