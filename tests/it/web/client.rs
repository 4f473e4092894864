//! HTTP as plain as it can be: every byte of a request is the trial's own.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Reads one from all that came.
    #[track_caller]
    pub(crate) fn read(text: &[u8]) -> Self {
        Self::first(text).unwrap_or_else(|| {
            panic!("no answer: {:?}", String::from_utf8_lossy(text));
        })
    }

    fn first(text: &[u8]) -> Option<Self> {
        let end = text.windows(4).position(|it| it == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&text[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers: Vec<(String, String)> = headers
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let is_chunked = headers
            .iter()
            .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let rest = &text[end + 4..];
        let body = match is_chunked {
            true => unchunked(rest),
            false => rest.to_vec(),
        };
        Some(Self {
            status,
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut own = self.headers.iter().filter(|(given, _)| given == name);
        own.next().map(|(_, value)| &**value)
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("no JSON: {error}: {:?}", self))
    }

    /// The code of an error.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let json = self.json();
        json["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// The chunks that are whole.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|it| it == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).ok();
        let size = size.and_then(|text| usize::from_str_radix(text, 16).ok());
        match size {
            Some(size) if size > 0 && rest.len() >= end + 2 + size => {
                body.extend_from_slice(&rest[end + 2..end + 2 + size]);
                rest = rest.get(end + 4 + size..).unwrap_or_default();
            }
            _ => break,
        }
    }
    body
}

/// A client with the headers that it sends each time.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub(crate) address: SocketAddr,
    headers: Vec<(String, String)>,
}

impl Http {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            headers: Vec::new(),
        }
    }

    /// The same with one more header.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut same = self.clone();
        same.headers.push((name.to_owned(), value.to_owned()));
        same
    }

    /// The same with a token.
    pub(crate) fn token(&self, token: &str) -> Self {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, None)
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, Some(body))
    }

    #[track_caller]
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let mut stream = self.connect();
        stream
            .write_all(self.request(method, path, body).as_bytes())
            .expect("a request that is taken");
        Answer::read(&read_all(&mut stream))
    }

    /// A request that is the last one of its connection.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&str>) -> String {
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let has = |name: &str| {
            self.headers
                .iter()
                .any(|(it, _)| it.eq_ignore_ascii_case(name))
        };
        if !has("host") {
            text += &format!("Host: {}\r\n", self.address);
        }
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        if let Some(body) = body {
            if !has("content-type") {
                text += "Content-Type: application/json\r\n";
            }
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        text + "\r\n" + body.unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a server that listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out that can be set");
        stream
    }
}

/// Asks by a socket of the file system.
#[track_caller]
pub(crate) fn ask_socket(path: &Path, request: &str) -> Answer {
    let mut stream = UnixStream::connect(path).expect("a server that listens");
    stream.write_all(request.as_bytes()).expect("it is taken");
    Answer::read(&read_all(&mut stream))
}

/// All that comes until the end; a connection that breaks off ends too.
#[track_caller]
pub(crate) fn read_all(stream: &mut impl Read) -> Vec<u8> {
    let mut text = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return text,
            Ok(length) => text.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return text,
            Err(error) => panic!(
                "waited in vain: {error}: {:?}",
                String::from_utf8_lossy(&text)
            ),
        }
    }
}

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(40);
