//! A webhook of a trial's own: keeps what is posted, and answers as it is told.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::harness::wait_for;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Post {
    /// The first line.
    pub(super) line: String,
    /// Names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// A web server. Its thread ends with the trials.
pub(super) struct WebHook {
    address: SocketAddr,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl WebHook {
    /// Starts one that answers so, one after the other, and then the last for ever.
    pub(super) fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let posts = Arc::new(Mutex::new(Vec::new()));
        let own = Arc::clone(&posts);
        thread::spawn(move || {
            let last = answers.last().expect("an answer");
            let mut answers = answers.iter();
            for stream in listener.incoming().flatten() {
                let answer = answers.next().unwrap_or(last);
                if let Some(post) = serve(&stream, answer) {
                    own.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(post);
                }
            }
        });
        Self { address, posts }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/take?key=hidden", self.address)
    }

    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }

    /// All that was posted.
    pub(super) fn posts(&self) -> Vec<Post> {
        self.posts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until so much was posted.
    #[track_caller]
    pub(super) fn wait_posts(&self, within: Duration, count: usize) -> Vec<Post> {
        wait_for(within, &format!("{count} posts"), || {
            let posts = self.posts();
            (posts.len() >= count).then_some(posts)
        })
    }
}

fn serve(stream: &TcpStream, answer: &str) -> Option<Post> {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut stream = stream;
    stream.write_all(text.as_bytes()).ok()?;
    let line = line.trim_end().to_owned();
    Some(Post {
        line,
        headers,
        body,
    })
}
