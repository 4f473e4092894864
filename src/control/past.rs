//! The events of the past, as far as this part of the program knows them: somebody has them.

use std::sync::Arc;

use super::protocol::{Fault, FaultCode};
use crate::status::history::{Entry, Wanted};

/// Where the events of the past are read. Its methods wait for a disk.
pub trait Past: Send + Sync {
    /// The id of the first event that is wanted, if there is any; all that has happened is looked
    /// at.
    fn first(&self, wanted: &Wanted) -> Result<Option<u64>, String>;

    /// Wanted events from an id on, oldest first; an empty page is the end.
    fn page(&self, wanted: &Wanted, from: u64) -> Result<Vec<Arc<Entry>>, String>;
}

/// The events that are wanted, page by page, without keeping whoever serves others waiting.
pub struct Pages {
    past: Arc<dyn Past>,
    wanted: Arc<Wanted>,
    place: Place,
}

/// Where the next page begins.
#[derive(Clone, Copy)]
enum Place {
    Start,
    From(u64),
    End,
}

impl Pages {
    /// From the first one.
    pub fn new(past: Arc<dyn Past>, wanted: Arc<Wanted>) -> Self {
        Self {
            past,
            wanted,
            place: Place::Start,
        }
    }

    /// The next page, which is not empty; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Arc<Entry>>>, Fault> {
        let (past, wanted, place) = (Arc::clone(&self.past), Arc::clone(&self.wanted), self.place);
        // The disk may take its time.
        let asked = tokio::task::spawn_blocking(move || {
            let from = match place {
                Place::Start => past.first(&wanted)?,
                Place::From(id) => Some(id),
                Place::End => None,
            };
            from.map_or_else(|| Ok(Vec::new()), |from| past.page(&wanted, from))
        });
        let asked = asked.await.unwrap_or_else(|error| Err(error.to_string()));
        let page = asked.map_err(|why| Fault::new(FaultCode::Unreadable, why))?;
        self.place = page
            .last()
            .map_or(Place::End, |last| Place::From(last.id + 1));
        Ok((!page.is_empty()).then_some(page))
    }
}
