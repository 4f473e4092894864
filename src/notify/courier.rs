//! The thread that sees to letters, and those that carry them: nobody else waits for a mail server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{io, mem};

use tokio::sync::mpsc::UnboundedSender;
use tracing::{info, warn};

use super::letter::{Letter, Means};
use super::queue::{Queue, Verdict};
use super::text::Content;
use super::webhook::{Hook, host};
use super::{Places, Trouble, mail};
use crate::status::UnixMs;

/// What has become of a letter: its owner keeps what is not through, and forgets the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    /// It is delivered.
    Delivered(Letter),
    /// It was tried in vain and will be tried again.
    Tried(Letter),
    /// It will not be tried any more.
    GivenUp(Letter),
    /// Nobody wants it any more.
    Unwanted(Letter),
}

/// What came of a test by one means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tested {
    /// The subscription's name.
    pub subscription: Arc<str>,
    /// How it went.
    pub means: Means,
    /// Where to.
    pub to: Arc<str>,
    /// Why it is not delivered, if it is not.
    pub trouble: Option<Arc<str>>,
}

/// Who wants to know what came of a test.
type Asker = Box<dyn FnOnce(Vec<Tested>) + Send>;

/// Takes letters in. When it goes, those under way are waited for, for a moment.
pub struct Courier {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Put(Vec<Letter>),
    Places(Box<Places>),
    Test(Vec<Arc<str>>, Arc<str>, Asker),
    Back(Arc<str>, Result<(), Trouble>),
    Close,
}

impl Courier {
    /// Starts the thread. What became of letters goes to `words`.
    pub fn start(places: Places, words: UnboundedSender<Word>) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let room = Room {
            queue: Queue::default(),
            places: Arc::new(places),
            away: BTreeSet::new(),
            back: orders.clone(),
            words,
        };
        let thread = thread::Builder::new().name("notify".to_owned());
        let thread = thread.spawn(move || room.work(&inbox))?;
        Ok(Self {
            orders,
            thread: Some(thread),
        })
    }

    /// Takes letters to be delivered.
    pub fn put(&self, letters: Vec<Letter>) {
        self.order(Order::Put(letters));
    }

    /// Another configuration is in force: what waits is tried at once if it concerns it.
    pub fn reconfigure(&self, places: Places) {
        self.order(Order::Places(Box::new(places)));
    }

    /// Tries each way of these subscriptions now, with a message of this id that says that it is a
    /// test.
    pub fn test(
        &self,
        subscriptions: Vec<Arc<str>>,
        id: Arc<str>,
        asker: impl FnOnce(Vec<Tested>) + Send + 'static,
    ) {
        self.order(Order::Test(subscriptions, id, Box::new(asker)));
    }

    fn order(&self, order: Order) {
        // The thread ends with us and not before; a panic there has been reported there.
        drop(self.orders.send(order));
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.order(Order::Close);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// The thread's own.
struct Room {
    queue: Queue,
    places: Arc<Places>,
    /// Letters under way.
    away: BTreeSet<Arc<str>>,
    back: Sender<Order>,
    words: UnboundedSender<Word>,
}

impl Room {
    fn work(mut self, inbox: &Receiver<Order>) {
        loop {
            self.dispatch();
            let wait = match self.queue.deadline() {
                Some(_) if self.away.len() >= MOST_AWAY => LONG,
                Some(due) => due.saturating_duration_since(Instant::now()).min(LONG),
                None => LONG,
            };
            match inbox.recv_timeout(wait) {
                Ok(Order::Close) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        // What the other side has taken by now need not be told to it again by the next run.
        let end = Instant::now() + FAREWELL;
        while !self.away.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            match inbox.recv_timeout(left) {
                Ok(order) => self.take(order),
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Put(letters) => {
                let (now, unix_ms) = now();
                for letter in letters {
                    for letter in self.queue.put(letter, now, unix_ms) {
                        let subscription = &*letter.notice.subscription;
                        warn!(subscription, means = %letter.means, "a notice is given up: too many wait");
                        self.say(Word::GivenUp(letter));
                    }
                }
                self.drop_unwanted();
            }
            Order::Places(places) => {
                if *self.places == *places {
                    return;
                }
                self.places = Arc::new(*places);
                self.drop_unwanted();
                self.queue.hasten(Instant::now());
            }
            Order::Test(subscriptions, id, asker) => self.test(&subscriptions, id, asker),
            Order::Back(id, outcome) => self.on_back(&id, outcome),
            Order::Close => {}
        }
    }

    fn drop_unwanted(&mut self) {
        for letter in self.queue.retain(&self.places) {
            let subscription = &*letter.notice.subscription;
            info!(subscription, means = %letter.means, "a notice is not wanted any more");
            self.say(Word::Unwanted(letter));
        }
    }

    /// Sends what may leave.
    fn dispatch(&mut self) {
        while self.away.len() < MOST_AWAY {
            let Some(letter) = self.queue.next(Instant::now()) else {
                return;
            };
            let (id, places, back) = (
                Arc::clone(&letter.id),
                Arc::clone(&self.places),
                self.back.clone(),
            );
            self.away.insert(Arc::clone(&id));
            let carry = move || {
                let content = Content::Notice(&letter.notice);
                let subscription = &letter.notice.subscription;
                let outcome = deliver(&places, (subscription, letter.means), &letter.id, content);
                drop(back.send(Order::Back(Arc::clone(&letter.id), outcome)));
            };
            if let Err(error) = start(carry) {
                self.on_back(&id, Err(Trouble::new(format!("no thread: {error}"))));
            }
        }
    }

    fn on_back(&mut self, id: &Arc<str>, outcome: Result<(), Trouble>) {
        self.away.remove(id);
        let verdict = match outcome {
            Ok(()) => {
                if let Some((letter, was_failing)) = self.queue.on_delivered(id) {
                    let subscription = &*letter.notice.subscription;
                    if was_failing {
                        info!(subscription, means = %letter.means, "notices are delivered again");
                    }
                    self.say(Word::Delivered(letter));
                }
                return;
            }
            Err(trouble) => self.queue.on_failed(id, trouble, now()),
        };
        match verdict {
            Some(Verdict::Again(letter, is_news)) => {
                let subscription = &*letter.notice.subscription;
                let why = letter.trouble.as_deref().unwrap_or_default();
                if is_news {
                    warn!(
                        subscription,
                        means = %letter.means,
                        "a notice cannot be delivered, and is tried again: {why}"
                    );
                }
                self.say(Word::Tried(letter));
            }
            Some(Verdict::GivenUp(letter)) => {
                let subscription = &*letter.notice.subscription;
                let why = letter.trouble.as_deref().unwrap_or_default();
                let tried = letter.tried;
                warn!(subscription, means = %letter.means, tried, "a notice is given up: {why}");
                self.say(Word::GivenUp(letter));
            }
            None => {}
        }
    }

    fn test(&mut self, subscriptions: &[Arc<str>], id: Arc<str>, asker: Asker) {
        let places = Arc::clone(&self.places);
        let mut ways: Vec<(Arc<str>, Means)> = Vec::new();
        for name in subscriptions {
            ways.extend(
                places
                    .means(name)
                    .into_iter()
                    .map(|means| (Arc::clone(name), means)),
            );
        }
        let place = Arc::new(std::sync::Mutex::new(Some(asker)));
        let own = Arc::clone(&place);
        let carry = move || {
            let at = UnixMs(now().1);
            let ways: Vec<(usize, (Arc<str>, Means))> = ways.into_iter().enumerate().collect();
            let mut tested = Vec::new();
            // A server that keeps one waiting does so to all that it is asked for.
            for together in ways.chunks(MOST_AWAY) {
                tested.extend(thread::scope(|scope| {
                    let under_way = together.iter().map(|(number, way)| {
                        let (places, id) = (&places, format!("{id}.{number}"));
                        scope.spawn(move || try_out(places, way, &id, at))
                    });
                    let under_way: Vec<_> = under_way.collect();
                    let done = under_way.into_iter().filter_map(|one| one.join().ok());
                    done.collect::<Vec<_>>()
                }));
            }
            answer(&own, tested);
        };
        if start(carry).is_err() {
            answer(&place, Vec::new());
        }
    }

    fn say(&self, word: Word) {
        // The loop may have ended.
        drop(self.words.send(word));
    }
}

fn answer(place: &std::sync::Mutex<Option<Asker>>, tested: Vec<Tested>) {
    let mut place = place
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(asker) = mem::take(&mut *place) {
        asker(tested);
    }
}

/// Starts to carry something.
fn start(carry: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name("carrier".to_owned());
    thread.spawn(carry).map(drop)
}

/// Tries one way.
fn try_out(places: &Places, way: &(Arc<str>, Means), id: &str, at: UnixMs) -> Tested {
    let (subscription, means) = way;
    let content = Content::Test(subscription, at);
    let outcome = deliver(places, (subscription, *means), id, content);
    let to = places.address(subscription, *means);
    Tested {
        subscription: Arc::clone(subscription),
        means: *means,
        to: to.map_or_else(|| Arc::from(""), |to| shown(*means, to)),
        trouble: outcome.err().map(|trouble| trouble.what.into()),
    }
}

/// Sends what is said to a subscription.
fn deliver(
    places: &Places,
    (subscription, means): (&str, Means),
    id: &str,
    content: Content<'_>,
) -> Result<(), Trouble> {
    let unwanted = || Trouble::refusal("nobody wants it any more");
    let to = places.address(subscription, means).ok_or_else(unwanted)?;
    match means {
        Means::Mail => {
            let server = places.mail.as_ref().ok_or_else(unwanted)?;
            mail::send(server, to, id, content)
        }
        Means::Webhook => {
            let alert = places.subscription(subscription).ok_or_else(unwanted)?;
            let hook = Hook {
                url: to,
                secret: alert.webhook_secret.as_ref().map(|signing| &signing.secret),
                user_agent: &places.user_agent,
            };
            hook.post(id, content)
        }
    }
}

/// An address as it may be shown: what stands in that of a webhook may be a secret.
pub(super) fn shown(means: Means, to: &Arc<str>) -> Arc<str> {
    match means {
        Means::Mail => Arc::clone(to),
        Means::Webhook => host(to).into(),
    }
}

fn now() -> (Instant, i64) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let unix_ms = since.unwrap_or_default().as_millis();
    (Instant::now(), i64::try_from(unix_ms).unwrap_or(i64::MAX))
}

/// So many letters may be under way at once.
const MOST_AWAY: usize = 16;

/// Nothing happens by itself.
const LONG: Duration = Duration::from_secs(3_600);

/// So long those under way are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(3);
