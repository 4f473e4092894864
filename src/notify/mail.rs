//! A letter by mail: SMTP, under TLS unless it is switched off, with a login where one is given.
//!
//! It takes bounded time and memory whatever the server does. The thread that carries the letter
//! has a small runtime for it, since a wait that can be given up at any point is one for that.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::text::{Content, body, subject};
use super::wire::Wire;
use super::{Trouble, chain};
use crate::config::{Encryption, Mail};

/// Sends a mail. What its server has taken is delivered.
pub(super) fn send(mail: &Mail, to: &str, id: &str, content: Content<'_>) -> Result<(), Trouble> {
    hand_over(mail, &message(mail, to, id, content)?, PATIENCE)
}

/// Hands a mail over, in no more than this time.
fn hand_over(mail: &Mail, message: &Message, patience: Duration) -> Result<(), Trouble> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::new(format!("no runtime: {error}")))?;
    let sent = runtime.block_on(async { timeout(patience, talk(mail, message)).await });
    // A name that is being looked up is not waited for.
    runtime.shutdown_background();
    sent.unwrap_or_else(|_| {
        let what = format!("it takes more than {} s", patience.as_secs_f32());
        Err(trouble(mail, &what))
    })
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

async fn talk(mail: &Mail, message: &Message) -> Result<(), Trouble> {
    let failed = |error: Error| {
        let trouble = trouble(mail, &chain(&error));
        Trouble {
            is_refusal: error.is_permanent(),
            ..trouble
        }
    };
    let hello = ClientId::default();
    let wire = connect(mail).await?;
    let connection = AsyncSmtpConnection::connect_with_transport(wire, &hello).await;
    let mut connection = connection.map_err(failed)?;
    if mail.encryption == Encryption::StartTls {
        let parameters = TlsParameters::new(mail.server.to_string()).map_err(failed)?;
        let encrypted = connection.starttls(parameters, &hello).await;
        encrypted.map_err(failed)?;
    }
    if let Some(credentials) = &mail.credentials {
        let user = credentials.user_name.to_string();
        let password = credentials.password.reveal().to_owned();
        let credentials = Credentials::new(user, password);
        let known = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
        known.map_err(failed)?;
    }
    let text = message.formatted();
    let sent = connection.send(message.envelope(), &text).await;
    sent.map_err(failed)?;
    // It is taken, whatever becomes of the farewell.
    drop(connection.quit().await);
    Ok(())
}

async fn connect(mail: &Mail) -> Result<Box<dyn AsyncTokioStream>, Trouble> {
    let failed = |error: io::Error| trouble(mail, &format!("cannot connect: {}", chain(&error)));
    let stream = timeout(CONNECTING, TcpStream::connect((&*mail.server, mail.port))).await;
    let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let stream = stream.map_err(failed)?;
    let peer = stream.peer_addr().map_err(failed)?;
    if mail.encryption != Encryption::Tls {
        return Ok(Box::new(Wire::new(stream, peer)));
    }
    let name = ServerName::try_from(mail.server.to_string());
    let name = name.map_err(|error| trouble(mail, &chain(&error)))?;
    let stream = tls(mail)?.connect(name, stream).await.map_err(failed)?;
    Ok(Box::new(Wire::new(stream, peer)))
}

/// TLS from the first byte, with the authorities that the system trusts.
fn tls(mail: &Mail) -> Result<TlsConnector, Trouble> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions();
    let config = config.map_err(|error| trouble(mail, &chain(&error)))?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn trouble(mail: &Mail, what: &str) -> Trouble {
    Trouble::new(format!("{}:{}: {what}", mail.server, mail.port))
}

/// So long a server may take until it is connected.
const CONNECTING: Duration = Duration::from_secs(30);

/// So long a server may take for all of it. Some keep whoever calls waiting for half a minute.
const PATIENCE: Duration = Duration::from_secs(90);

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;
    use std::thread;

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

    // rule T3
    #[test]
    fn a_server_that_is_not_there_is_said_in_words() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mail = Mail {
            server: "127.0.0.1".into(),
            port,
            ..mail("regent@example.net")
        };
        let content = Content::Test("a", UnixMs(0));
        let message = message(&mail, "a@example.net", "1", content).unwrap();
        let trouble = hand_over(&mail, &message, PATIENCE).unwrap_err();
        let expected = format!("127.0.0.1:{port}: cannot connect: Connection refused");
        assert_eq!((trouble.what, trouble.is_refusal), (expected, false));
    }

    // rule T3: who says a byte now and then never fails, and never ends.
    #[test]
    fn a_server_that_takes_for_ever_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mail = Mail {
            server: "127.0.0.1".into(),
            port: listener.local_addr().unwrap().port(),
            encryption: Encryption::None,
            ..mail("regent@example.net")
        };
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut said = 0_u32;
            while stream.write_all(b"2").is_ok() {
                said += 1;
                thread::sleep(Duration::from_millis(20));
            }
            said
        });
        let content = Content::Test("a", UnixMs(0));
        let message = message(&mail, "a@example.net", "1", content).unwrap();
        let trouble = hand_over(&mail, &message, Duration::from_millis(500)).unwrap_err();
        assert!(trouble.what.contains("more than 0.5 s"), "{trouble:?}");
        assert!(!trouble.is_refusal);
        // It was heard, and then hung up on.
        assert!(server.join().unwrap() > 1);
    }
}
