//! One Account on the live screen: its story, its timeline and its messages, one below the other.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::control::protocol::{Item, Says};
use crate::status::events::Columns;
use crate::status::history::Entry as Event;
use crate::status::story::{folded, story};
use crate::status::table::{Line, Tone, cut};
use crate::status::{AccountStatus, UnixMs};
use crate::trace::Entry as Message;
use crate::trace::ladder::Ladder;

/// An Account that is looked at.
pub(super) struct Opened {
    /// Its name.
    pub(super) name: Arc<str>,
    events: VecDeque<Event>,
    messages: VecDeque<Message>,
    /// Why there is no timeline, and why there are no messages.
    troubles: [Option<String>; 2],
    /// Whether all messages of the past have come. The history does not say where its past ends;
    /// it is asked at the same time.
    is_answered: bool,
    /// The first line that is shown.
    pub(super) top: usize,
    /// Where the timeline began when it was last laid out.
    pub(super) timeline: usize,
}

impl Opened {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            events: VecDeque::new(),
            messages: VecDeque::new(),
            troubles: [None, None],
            is_answered: false,
            top: 0,
            timeline: 0,
        }
    }

    /// Everything comes once more, from a daemon that is back.
    pub(super) fn begin_again(&mut self) {
        self.events.clear();
        self.messages.clear();
        self.troubles = [None, None];
        self.is_answered = false;
    }

    /// Takes in what the history says.
    pub(super) fn on_event(&mut self, says: Says) {
        match says {
            Says::Item(Item::Event(event)) => {
                if self.events.len() == KEPT {
                    self.events.pop_front();
                }
                self.events.push_back(Arc::unwrap_or_clone(event));
            }
            Says::Error(fault) => self.troubles[0] = Some(fault.message),
            Says::Item(_) | Says::Done(_) => {}
        }
    }

    /// Takes in what the trace says.
    pub(super) fn on_message(&mut self, says: Says) {
        self.is_answered |= !matches!(says, Says::Item(Item::Message(_) | Item::Missed(_)));
        match says {
            Says::Item(Item::Message(message)) => {
                if self.messages.len() == KEPT {
                    self.messages.pop_front();
                }
                self.messages.push_back(message);
            }
            Says::Item(Item::Following(state)) if state.memory == 0 => {
                self.troubles[1] =
                    Some("the daemon keeps no messages (trace_memory_mib)".to_owned());
            }
            Says::Error(fault) => self.troubles[1] = Some(fault.message),
            Says::Item(_) | Says::Done(_) => {}
        }
    }

    /// All of it in lines; where the timeline begins is kept.
    pub(super) fn lines(
        &mut self,
        status: Option<&AccountStatus>,
        now: UnixMs,
        width: usize,
    ) -> Vec<Line> {
        let mut lines = match status {
            Some(status) => folded(story(status, now), width),
            None => {
                let text = format!("{}: there is no such Account any more", self.name);
                vec![vec![(Tone::Bad, text)]]
            }
        };
        lines.push(Line::new());
        self.timeline = lines.len();
        lines.push(heading("Timeline (UTC)"));
        let mut columns = Columns::default();
        self.events.iter().for_each(|event| columns.fit(event));
        lines.extend(self.events.iter().map(|event| columns.line(event)));
        lines.extend(nothing(
            &self.troubles[0],
            self.is_answered && self.events.is_empty(),
            "nothing yet",
        ));
        lines.push(Line::new());
        lines.push(heading("Messages"));
        let messages: Vec<Message> = self.messages.iter().cloned().collect();
        lines.extend(Ladder::new(width).add(&messages));
        lines.extend(nothing(
            &self.troubles[1],
            self.is_answered && messages.is_empty(),
            "none are kept",
        ));
        lines.into_iter().map(|line| cut(line, width)).collect()
    }
}

fn heading(text: &str) -> Line {
    vec![(Tone::Quiet, format!("── {text} ──"))]
}

fn nothing(trouble: &Option<String>, is_empty: bool, otherwise: &str) -> Option<Line> {
    match trouble {
        Some(trouble) => Some(vec![(Tone::Doubtful, trouble.clone())]),
        None if is_empty => Some(vec![(Tone::Quiet, otherwise.to_owned())]),
        None => None,
    }
}

/// So many events and messages of one Account are kept here.
pub(super) const KEPT: usize = 200;
