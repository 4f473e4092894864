//! Lines of JSON to and from one client, with limits on length and patience.

use std::io;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::{Duration, timeout};

use super::protocol::{Item, MAX_REQUEST, Response, Says};

/// The connection to a client.
pub(super) struct Lines {
    stream: BufReader<UnixStream>,
    line: Vec<u8>,
    out: Vec<u8>,
    /// The request that is being answered.
    pub(super) id: u64,
}

/// What came in.
pub(super) enum Heard {
    /// The client has hung up.
    Nothing,
    /// A line: see [`Lines::line`].
    Line,
    /// More than a line may be.
    TooLong,
}

impl Lines {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream: BufReader::new(stream),
            line: Vec::new(),
            out: Vec::new(),
            id: 0,
        }
    }

    /// Reads the next line.
    pub(super) async fn read(&mut self) -> io::Result<Heard> {
        self.id = 0;
        self.line.clear();
        let mut limited = (&mut self.stream).take(MAX_REQUEST as u64);
        limited.read_until(b'\n', &mut self.line).await?;
        Ok(match self.line.last() {
            None => Heard::Nothing,
            Some(b'\n') => Heard::Line,
            Some(_) if self.line.len() < MAX_REQUEST => Heard::Nothing,
            Some(_) => Heard::TooLong,
        })
    }

    /// The line that was read last.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    /// Waits until the client says something more; an error if it hangs up. May be dropped at any
    /// point.
    pub(super) async fn hears(&mut self) -> io::Result<()> {
        if self.stream.fill_buf().await?.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Says a piece of an answer; it leaves when there is enough of it, or with [`Lines::flush`].
    pub(super) async fn item(&mut self, item: Item) -> io::Result<()> {
        self.put(Says::Item(item))?;
        if self.out.len() >= ENOUGH {
            self.flush().await?;
        }
        Ok(())
    }

    /// Says the end of an answer.
    pub(super) async fn finish(&mut self, says: Says) -> io::Result<()> {
        self.put(says)?;
        self.flush().await
    }

    /// Sends what was said. A client that does not take it in time is given up.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        let sent = timeout(PATIENCE, self.stream.write_all(&self.out)).await;
        self.out.clear();
        sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    fn put(&mut self, says: Says) -> io::Result<()> {
        let response = Response { id: self.id, says };
        response.serialize(&mut serde_json::Serializer::new(&mut self.out))?;
        self.out.push(b'\n');
        Ok(())
    }
}

/// So many bytes are worth a system call.
const ENOUGH: usize = 32 << 10;

/// So long a client may take to read what is sent at once.
const PATIENCE: Duration = Duration::from_secs(10);
