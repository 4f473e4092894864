//! The commands' end of the socket: blocking, and never for longer than was allowed.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::path;
use super::protocol::{Call, Done, Fault, Item, Request, Response, Says, VERSION};

/// Why there is no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody can be reached there.
    #[error("cannot reach the daemon at {}", path.display())]
    Unreachable {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No socket can have that name.
    #[error("cannot reach the daemon at {}: {}", path.display(), path::too_long(*.length))]
    TooLong {
        /// The name.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// The daemon says no.
    #[error("{}", .0.message)]
    Fault(Fault),
    /// The answer took too long.
    #[error("no answer within {} s", .0.as_secs())]
    TooLate(Duration),
    /// The daemon has ended.
    #[error("the daemon has ended")]
    Ended,
    /// What came is no answer.
    #[error("the daemon's answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// What was told could not be passed on.
    #[error("cannot print the answer")]
    Output(#[source] io::Error),
    /// The system refused.
    #[error("the connection to the daemon broke")]
    Broken(#[source] io::Error),
}

/// A connection to a daemon.
pub struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// What was read of `buffer`.
    start: usize,
    limit: Duration,
    deadline: Instant,
}

impl Client {
    /// Connects to the daemon at `path`. An answer may take `limit`.
    pub fn connect(path: &Path, limit: Duration) -> Result<Self, ClientError> {
        if let Some(length) = path::excess(path) {
            let path = path.to_owned();
            return Err(ClientError::TooLong { path, length });
        }
        let stream = UnixStream::connect(path).map_err(|source| ClientError::Unreachable {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            start: 0,
            limit,
            deadline: Instant::now() + limit,
        })
    }

    /// Asks, hands over the items as they come, and returns the end of the answer.
    pub fn ask(
        &mut self,
        call: Call,
        mut take: impl FnMut(Item) -> Result<(), ClientError>,
    ) -> Result<Done, ClientError> {
        self.say(call)?;
        loop {
            match self.hear()? {
                Says::Item(item) => take(item)?,
                Says::Done(done) => return Ok(done),
                Says::Error(fault) => return Err(ClientError::Fault(fault)),
            }
        }
    }

    /// Asks. What comes in return is for [`Client::hear`].
    pub fn say(&mut self, call: Call) -> Result<(), ClientError> {
        let request = Request {
            v: VERSION,
            id: 1,
            call,
        };
        self.deadline = Instant::now() + self.limit;
        let mut line = serde_json::to_vec(&request).map_err(ClientError::Unreadable)?;
        line.push(b'\n');
        match self.stream.write_all(&line) {
            // It may have said why it hangs up.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(ClientError::Broken),
        }
    }

    /// The next line of the answer.
    pub fn hear(&mut self) -> Result<Says, ClientError> {
        loop {
            if let Some(says) = self.next_read()? {
                return Ok(says);
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ClientError::TooLate(self.limit));
            }
            self.read(left)?;
        }
    }

    /// The next line of the answer, if it has been read already.
    pub fn next_read(&mut self) -> Result<Option<Says>, ClientError> {
        let unread = &self.buffer[self.start..];
        let Some(end) = unread.iter().position(|byte| *byte == b'\n') else {
            return Ok(None);
        };
        let line = &unread[..end];
        let response: Response = serde_json::from_slice(line).map_err(ClientError::Unreadable)?;
        self.start += end + 1;
        Ok(Some(response.says))
    }

    /// Reads what has come, waiting no longer than `patience` for it.
    pub fn read(&mut self, patience: Duration) -> Result<(), ClientError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.stream
            .set_read_timeout(Some(patience.max(SHORTEST)))
            .map_err(ClientError::Broken)?;
        let old = self.buffer.len();
        self.buffer.resize(old + PIECE, 0);
        let result = self.stream.read(&mut self.buffer[old..]);
        let length = result.as_ref().map_or(0, |length| *length);
        self.buffer.truncate(old + length);
        match result {
            Ok(0) => Err(ClientError::Ended),
            Ok(_) => Ok(()),
            Err(error) if NOT_YET.contains(&error.kind()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(ClientError::Ended),
            Err(error) => Err(ClientError::Broken(error)),
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Kinds of errors that mean that nothing has come yet.
const NOT_YET: [ErrorKind; 3] = [
    ErrorKind::WouldBlock,
    ErrorKind::TimedOut,
    ErrorKind::Interrupted,
];

/// The system takes no time limit of zero.
const SHORTEST: Duration = Duration::from_millis(1);

/// So much is read at a time.
const PIECE: usize = 64 << 10;
