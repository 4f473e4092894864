//! Hostile datagrams, one after the other, the same for the same seed.

use std::net::SocketAddr;

use regent::rng::Seed;

/// What has passed between the daemon and its registrar, to be cut, bent and repeated.
pub(super) struct Known {
    /// A REGISTER of the daemon's own.
    pub(super) request: Vec<u8>,
    /// The 401 that it got.
    pub(super) challenge: Vec<u8>,
    /// The 200 that it got.
    pub(super) accept: Vec<u8>,
}

/// Where datagrams come from.
pub(super) struct Source {
    seed: Seed,
    draws: u64,
    known: Known,
    /// As many bytes as are ever needed.
    noise: Vec<u8>,
}

/// A datagram to send.
pub(super) struct Datagram {
    pub(super) bytes: Vec<u8>,
    /// Whether it is a request without a fault.
    pub(super) is_whole: bool,
}

impl Datagram {
    /// Whether it may be taken for a request.
    pub(super) fn is_request(&self) -> bool {
        !self.bytes.starts_with(b"SIP/2.0 ")
    }

    pub(super) fn is_ack(&self) -> bool {
        self.bytes.starts_with(b"ACK ")
    }
}

const METHODS: [&str; 15] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "REGISTER",
    "OPTIONS",
    "PRACK",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "INFO",
    "REFER",
    "MESSAGE",
    "UPDATE",
    "BREW",
];

/// The longest that UDP over IPv4 carries.
const LONGEST: usize = 65_507;

impl Source {
    pub(super) fn new(seed: u64, known: Known) -> Self {
        let mut source = Self {
            seed: Seed::from_number(seed),
            draws: 0,
            known,
            noise: Vec::new(),
        };
        let words = (0..LONGEST / 4).map(|_| source.chance(usize::MAX).to_le_bytes());
        source.noise = words.flatten().collect();
        source
    }

    /// A number below `limit`.
    pub(super) fn chance(&mut self, limit: usize) -> usize {
        self.draws += 1;
        let number = self.seed.draw(0, self.draws).number();
        usize::try_from(number % limit.max(1) as u64).unwrap_or_default()
    }

    /// The datagram of this number.
    pub(super) fn datagram(&mut self, number: u64) -> Datagram {
        let place = usize::try_from(number).unwrap_or_default();
        // The long ones are few, since each takes as long as a hundred others.
        let bytes = match self.chance(100) {
            0 => self.noise(LONGEST),
            1 => many(
                LONGEST,
                "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK-many\r\n",
            ),
            2 => many(LONGEST, "X: y\r\n"),
            3 => format!("OPTIONS sip:a SIP/2.0\r\nVia: {}", "a,".repeat(LONGEST / 3)).into_bytes(),
            4..8 => Vec::new(),
            8..12 => self.noise(1),
            12..20 => {
                let length = self.chance(1_500);
                self.noise(length)
            }
            20..36 => {
                // Each length comes in its turn.
                let whole = self.some_answer();
                whole[..place % whole.len()].to_vec()
            }
            36..42 => self.known.request.clone(),
            42..52 => self.foreign(place),
            52..58 => self.some_answer(),
            58..66 => self.lengths(place),
            66..80 => self.bent(),
            80..90 => return whole("INVITE", place),
            _ => return whole(METHODS[place % METHODS.len()], place),
        };
        Datagram {
            bytes,
            is_whole: false,
        }
    }

    fn noise(&mut self, length: usize) -> Vec<u8> {
        let start = self.chance(self.noise.len() - length);
        self.noise[start..start + length].to_vec()
    }

    fn some_answer(&mut self) -> Vec<u8> {
        match self.chance(2) {
            0 => self.known.challenge.clone(),
            _ => self.known.accept.clone(),
        }
    }

    /// An answer to a request that was never sent, with something to fall for.
    fn foreign(&mut self, place: usize) -> Vec<u8> {
        const LINES: [&str; 6] = [
            "SIP/2.0 200 OK\r\nContact: *\r\nExpires: 0",
            "SIP/2.0 403 Forbidden",
            "SIP/2.0 423 Interval Too Brief\r\nMin-Expires: 4294967295",
            "SIP/2.0 503 Service Unavailable\r\nRetry-After: 86400",
            "SIP/2.0 302 Moved\r\nContact: <sip:elsewhere.example>",
            "SIP/2.0 100 Trying",
        ];
        let text = String::from_utf8_lossy(&self.known.accept).into_owned();
        let (_, rest) = text.split_once("\r\n").unwrap_or_default();
        let branch = format!("branch=z9hG4bK{place:032x}");
        let (start, end) = rest.split_once("branch=").unwrap_or_default();
        let end = end.find([';', '\r']).map_or("", |at| &end[at..]);
        format!("{}\r\n{start}{branch}{end}", LINES[place % LINES.len()]).into_bytes()
    }

    /// A message that lies about its length.
    fn lengths(&mut self, place: usize) -> Vec<u8> {
        const LENGTHS: [&str; 7] = [
            "4294967295",
            "99999999999999999999999999",
            "-1",
            "1e9",
            "65507",
            "",
            "10\r\nContent-Length: 20",
        ];
        let length = format!("Content-Length: {}", LENGTHS[place % LENGTHS.len()]);
        let text = match self.chance(2) {
            0 => String::from_utf8_lossy(&self.known.accept).replace("Content-Length: 10", &length),
            _ => text("BYE", place).replace("Content-Length: 0", &length),
        };
        text.into_bytes()
    }

    /// A message with some bytes that are others.
    fn bent(&mut self) -> Vec<u8> {
        let mut bytes = match self.chance(3) {
            0 => self.known.request.clone(),
            1 => text("INVITE", 0).into_bytes(),
            _ => self.some_answer(),
        };
        for _ in 0..=self.chance(6) {
            let at = self.chance(bytes.len());
            match self.chance(3) {
                0 => bytes[at] = self.chance(256).to_le_bytes()[0],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"\r\n\0:;,<>\"@%"[self.chance(11)]),
            }
        }
        bytes
    }
}

/// A request with a header very many times.
fn many(bytes: usize, line: &str) -> Vec<u8> {
    let start = text("OPTIONS", 0);
    let (first, rest) = start.split_once("\r\n").unwrap_or_default();
    let times = (bytes - start.len()) / line.len();
    format!("{first}\r\n{}{rest}", line.repeat(times)).into_bytes()
}

fn whole(method: &str, place: usize) -> Datagram {
    Datagram {
        bytes: text(method, place).into_bytes(),
        is_whole: true,
    }
}

fn text(method: &str, place: usize) -> String {
    let from = SocketAddr::from(([127, 0, 0, 1], 9));
    request(method, from, &format!("request-{place}"))
}

/// A request without a fault. Its name is its Call-ID and its branch.
pub(super) fn request(method: &str, from: SocketAddr, name: &str) -> String {
    format!(
        "{method} sip:4930123456@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP {from};branch=z9hG4bK-{name};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:stranger@127.0.0.1>;tag=stranger\r\n\
         To: <sip:4930123456@127.0.0.1>\r\n\
         Call-ID: {name}\r\n\
         CSeq: 1 {method}\r\n\
         Contact: <sip:stranger@{from}>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
