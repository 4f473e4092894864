//! What is handed to the store, and how often (rule L8).

use super::*;

/// An Account whose records are kept, with the limit that it begins with on disk.
fn kept() -> Bench {
    let mut bench = Bench::start(config(), true);
    bench.handle(Input::Restore(Vec::new()));
    let records = bench.save();
    assert_eq!(records.len(), 1, "the first limit");
    assert_eq!(bench.sent.len(), 1, "the first REGISTER");
    bench
}

impl Bench {
    /// Everything is on disk. What that was.
    fn save(&mut self) -> Vec<Record> {
        let (batches, records) = self.handed_over();
        for batch in batches {
            self.handle(Input::Saved { batch });
        }
        records
    }

    fn handed_over(&mut self) -> (Vec<BatchId>, Vec<Record>) {
        let saves = std::mem::take(&mut self.saves);
        let (batches, records): (_, Vec<Vec<Record>>) = saves.into_iter().unzip();
        (batches, records.into_iter().flatten().collect())
    }

    fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// The time within which changes are saved.
    fn gather(&mut self) {
        self.run_for(Duration::from_millis(100));
    }
}

// rule L8
#[test]
fn a_registration_is_saved_twice_and_a_refresh_once() {
    let mut bench = kept();
    bench.answer(401, &[CHALLENGE]);
    bench.gather();
    assert_eq!(bench.save(), [], "only a CSeq is another, within the limit");
    bench.answer(200, &[("Expires", "60")]);
    bench.gather();
    let first = bench.save();
    assert_eq!(first.len(), 1);
    assert!(first[0].binding.is_some());
    bench.run_for(30 * SECOND);
    assert_eq!(bench.last(Name::CSeq), "3 REGISTER");
    assert_eq!(bench.save(), [], "a refresh under way");
    bench.answer(200, &[("Expires", "60")]);
    bench.gather();
    let second = bench.save();
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].binding, first[0].binding);
    bench.run_for(10 * SECOND);
    assert_eq!(bench.save(), [], "nothing happens");
}

// rule L8
#[test]
fn a_record_that_was_lost_is_handed_over_again() {
    let mut bench = kept();
    bench.answer(200, &[("Expires", "60")]);
    bench.gather();
    let (batches, records) = bench.handed_over();
    assert_eq!((batches.len(), records.len()), (1, 1));
    bench.handle(Input::SaveFailed { batch: batches[0] });
    bench.run_for(SECOND);
    assert_eq!(bench.save(), records);
}
