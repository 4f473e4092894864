//! Round trips of some minutes: how many, the shortest, about the middle one, the longest.

/// Times of one window, sorted into steps that grow with the time: 8 to each doubling. What is read
/// back from a step is off by a sixteenth at most.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    steps: [u32; STEPS],
    shortest: u32,
    longest: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            steps: [0; STEPS],
            shortest: u32::MAX,
            longest: 0,
        }
    }
}

impl Window {
    /// Counts a time in microseconds.
    pub fn add(&mut self, micros: u32) {
        let step = &mut self.steps[step(micros)];
        *step = step.saturating_add(1);
        self.shortest = self.shortest.min(micros);
        self.longest = self.longest.max(micros);
    }

    /// Counts those of another one too.
    pub fn merge(&mut self, other: &Self) {
        for (own, other) in self.steps.iter_mut().zip(&other.steps) {
            *own = own.saturating_add(*other);
        }
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        let all: u64 = self.steps.iter().map(|step| u64::from(*step)).sum();
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    /// The shortest, in microseconds; 0 where there is none.
    pub fn shortest(&self) -> u32 {
        self.shortest.min(self.longest)
    }

    /// The longest, in microseconds.
    pub fn longest(&self) -> u32 {
        self.longest
    }

    /// About the middle one, in microseconds.
    pub fn median(&self) -> u32 {
        let half = u64::from(self.count()).div_ceil(2);
        let mut below = 0;
        let place = self.steps.iter().position(|step| {
            below += u64::from(*step);
            below >= half
        });
        let middle = place.map_or(0, middle);
        middle.clamp(self.shortest(), self.longest)
    }
}

/// The step that a time falls into: below 16 each has its own, above the highest four bits count.
fn step(micros: u32) -> usize {
    if micros < EXACT {
        return micros as usize;
    }
    let doubling = micros.ilog2();
    let part = (micros >> (doubling - 3)) & 7;
    (EXACT + (doubling - 4) * 8 + part) as usize
}

/// The middle of a step.
fn middle(step: usize) -> u32 {
    let step = step as u32;
    if step < EXACT {
        return step;
    }
    let (doubling, part) = ((step - EXACT) / 8 + 4, (step - EXACT) % 8);
    let width = 1 << (doubling - 3);
    (1 << doubling) + part * width + width / 2
}

/// Below this each microsecond has a step of its own.
const EXACT: u32 = 16;

/// From 16 µs to the longest time that fits 32 bits: 28 doublings.
const STEPS: usize = EXACT as usize + 28 * 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_back_is_off_by_a_sixteenth_at_most() {
        let times = (0..32).flat_map(|bit| [1_u32 << bit, (1 << bit) + (1 << bit) / 3]);
        for micros in times.chain([0, 15, 17, u32::MAX - 1, u32::MAX]) {
            let back = middle(step(micros));
            assert!(back.abs_diff(micros) <= micros / 16, "{micros}: {back}");
        }
        assert_eq!(step(u32::MAX), STEPS - 1);
        assert!((0..100_000).map(step).is_sorted());
    }

    #[test]
    fn the_middle_one_is_found_about() {
        let mut window = Window::default();
        assert_eq!((window.count(), window.median()), (0, 0));
        assert_eq!(window.shortest(), 0);
        (1..=1_001).for_each(|millis| window.add(millis * 1_000));
        assert_eq!(window.count(), 1_001);
        assert_eq!((window.shortest(), window.longest()), (1_000, 1_001_000));
        let median = window.median();
        assert!((470_000..=532_000).contains(&median), "{median}");
        let mut other = Window::default();
        other.add(7);
        assert_eq!(other.median(), 7);
        other.merge(&window);
        assert_eq!((other.count(), other.shortest()), (1_002, 7));
    }
}
