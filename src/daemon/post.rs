//! Notices on their way: from the engine to the store and to whoever delivers them, and what became
//! of them.

use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use data_encoding::HEXLOWER;
use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::state::Keeper;
use super::{Daemon, journal};
use crate::config::Config;
use crate::control::TestingAlert;
use crate::control::answer::no_such;
use crate::control::protocol::{Fault, FaultCode, Tested};
use crate::effect::Notice;
use crate::notify::{Courier, Letter, Places, Word};
use crate::status::{DeliveryStatus, UnixMs};
use crate::store::OutboxChanges;

/// The way of notices.
pub(super) struct Post {
    courier: Courier,
    words: UnboundedReceiver<Word>,
    places: Places,
    /// What the ids of this run begin with, and how many there are.
    run: String,
    ids: u64,
}

impl Post {
    pub(super) fn start(config: &Config) -> anyhow::Result<Self> {
        let mut run = [0; 12];
        let entropy = SysRng.try_fill_bytes(&mut run);
        entropy.context("the system has no entropy to give")?;
        let (say, words) = mpsc::unbounded_channel();
        let places = Places::of(config);
        let courier: io::Result<Courier> = Courier::start(places.clone(), say);
        Ok(Self {
            courier: courier?,
            words,
            places,
            run: HEXLOWER.encode(&run),
            ids: 0,
        })
    }

    /// What has become of a letter.
    pub(super) async fn word(&mut self) -> Word {
        match self.words.recv().await {
            Some(word) => word,
            None => std::future::pending().await,
        }
    }

    /// Another configuration is in force.
    pub(super) fn reconfigure(&mut self, config: &Config) {
        self.places = Places::of(config);
        self.courier.reconfigure(self.places.clone());
    }

    /// An id that nothing else has or will have.
    fn id(&mut self) -> Arc<str> {
        self.ids += 1;
        format!("{}.{}", self.run, self.ids).into()
    }

    fn letters(&mut self, notice: Notice) -> Vec<Letter> {
        Letter::of(notice, || self.id())
    }

    fn status(&self, letter: &Letter) -> DeliveryStatus {
        let notice = &letter.notice;
        let to = self.places.shown(&notice.subscription, letter.means);
        DeliveryStatus {
            id: Arc::clone(&letter.id),
            subscription: Arc::clone(&notice.subscription),
            means: letter.means.word().into(),
            to,
            event: notice.kind,
            accounts: u32::try_from(notice.accounts.len()).unwrap_or(u32::MAX),
            given: UnixMs(notice.at_unix_ms),
            tried: letter.tried,
            next_try: letter.next_unix_ms.map(UnixMs),
            trouble: letter.trouble.clone(),
        }
    }

    /// Waits a moment for what is under way, and has written what became of it.
    pub(super) fn close(self, keeper: &Keeper) {
        let Self {
            courier, mut words, ..
        } = self;
        drop(courier);
        while let Ok(word) = words.try_recv() {
            keeper.post(outbox(word));
        }
    }
}

impl Daemon {
    /// Hands what is to be saved to the store, with the letters of the notices that belong to it.
    pub(super) fn save(&mut self) {
        for mut batch in std::mem::take(&mut self.effects.saves) {
            let mut letters = Vec::new();
            for notice in std::mem::take(&mut batch.notices) {
                self.effects.announced.push(notice.clone());
                letters.extend(self.post.letters(notice));
            }
            self.keeper.save(batch, letters);
        }
    }

    /// Sends notices that belong to nothing that is saved.
    pub(super) fn send_notices(&mut self) {
        for notice in std::mem::take(&mut self.effects.notices) {
            self.announce(&notice);
            let letters = self.post.letters(notice);
            self.keeper.post(OutboxChanges {
                letters: letters.clone(),
                gone: Vec::new(),
            });
            self.put_letters(letters);
        }
    }

    /// Says in log and history what subscriptions are told: after what it follows from.
    pub(super) fn announce(&mut self, notice: &Notice) {
        journal::log_notice(notice);
        self.note_notice(notice);
    }

    /// Letters may leave.
    pub(super) fn put_letters(&mut self, letters: Vec<Letter>) {
        if letters.is_empty() {
            return;
        }
        for letter in &letters {
            let status = self.post.status(letter);
            self.publish_delivery(letter, Some(status));
        }
        self.post.courier.put(letters);
    }

    fn publish_delivery(&self, letter: &Letter, status: Option<DeliveryStatus>) {
        let given = UnixMs(letter.notice.at_unix_ms);
        self.board.publish_delivery(given, &letter.id, status);
    }

    /// Something has become of a letter.
    pub(super) fn on_word(&mut self, word: Word) {
        self.meter.on_word(&word);
        match &word {
            Word::Tried(letter) => {
                let status = self.post.status(letter);
                self.publish_delivery(letter, Some(status));
            }
            Word::Delivered(letter) | Word::Unwanted(letter) => {
                self.publish_delivery(letter, None);
            }
            Word::GivenUp(letter) => {
                self.publish_delivery(letter, None);
                self.note_given_up(letter);
            }
        }
        self.keeper.post(outbox(word));
    }

    /// An operator wants to see whether notices arrive.
    pub(super) fn test_alert(&mut self, testing: TestingAlert) {
        let TestingAlert { names, answer, uid } = testing;
        let known: Vec<Arc<str>> = self.post.places.names().cloned().collect();
        let stranger = names
            .iter()
            .find(|name| !known.iter().any(|it| **it == ***name));
        let fault = match stranger {
            Some(name) => Some(unknown(name, &known)),
            None if known.is_empty() => {
                let hint = "`regent alerts subscribe` makes one".to_owned();
                Some(Fault {
                    hint: Some(hint),
                    ..Fault::new(FaultCode::UnknownAlert, "there is no subscription")
                })
            }
            None => None,
        };
        if let Some(fault) = fault {
            drop(answer.send(Err(fault)));
            return;
        }
        let wanted = known.into_iter();
        let wanted =
            wanted.filter(|it| names.is_empty() || names.iter().any(|name| **name == **it));
        let wanted: Vec<Arc<str>> = wanted.collect();
        self.note_test(uid, &wanted);
        let id = self.post.id();
        self.post.courier.test(wanted, id, move |tested| {
            let tested = tested.into_iter().map(|it| Tested {
                subscription: it.subscription,
                means: it.means.word().into(),
                to: it.to,
                trouble: it.trouble,
            });
            // A client that is gone does not miss its answer.
            drop(answer.send(Ok(tested.collect())));
        });
    }
}

fn unknown(name: &str, known: &[Arc<str>]) -> Fault {
    let known = known.iter().map(|it| &**it);
    let lists = "`regent alerts list` shows all of them";
    no_such(
        (FaultCode::UnknownAlert, "subscription"),
        name,
        known,
        lists,
    )
}

/// What is to be kept of a letter.
fn outbox(word: Word) -> OutboxChanges {
    let (letters, gone) = match word {
        Word::Tried(letter) => (vec![letter], Vec::new()),
        Word::Delivered(letter) | Word::GivenUp(letter) | Word::Unwanted(letter) => {
            (Vec::new(), vec![letter.id])
        }
    };
    OutboxChanges { letters, gone }
}
