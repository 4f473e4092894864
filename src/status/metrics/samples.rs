//! Lines of the exposition formats.

use std::fmt::Write as _;

use super::families::{Family, Kind};
use super::{Format, UnixMs};
use crate::tally::Histogram;

/// A value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Number {
    /// How many; also 0 and 1 for no and yes.
    Count(u64),
    /// A time in microseconds, which is written in seconds.
    Micros(u64),
    /// An instant, which is written in seconds since 1970.
    At(UnixMs),
}

/// Where the samples of one family are written to.
pub(super) struct Samples<'a> {
    out: &'a mut String,
    family: &'static Family,
    format: Format,
}

impl<'a> Samples<'a> {
    pub(super) fn new(out: &'a mut String, family: &'static Family, format: Format) -> Self {
        Self {
            out,
            family,
            format,
        }
    }

    /// So much is written.
    pub(super) fn length(&self) -> usize {
        self.out.len()
    }

    /// What the family is. OpenMetrics names it without the endings that its samples have.
    pub(super) fn head(&mut self) {
        let Family {
            name, unit, help, ..
        } = self.family;
        let (ending, kind) = match (self.format, self.family.kind) {
            (_, Kind::Gauge) => ("", "gauge"),
            (_, Kind::Histogram) => ("", "histogram"),
            (Format::Text, Kind::Counter) => ("_total", "counter"),
            (Format::Text, Kind::Info) => ("_info", "gauge"),
            (Format::OpenMetrics, Kind::Counter) => ("", "counter"),
            (Format::OpenMetrics, Kind::Info) => ("", "info"),
        };
        self.line(&["# HELP ", name, ending, " ", help, "\n"]);
        self.line(&["# TYPE ", name, ending, " ", kind, "\n"]);
        if self.format == Format::OpenMetrics && !unit.is_empty() {
            self.line(&["# UNIT ", name, " ", unit, "\n"]);
        }
    }

    /// A sample, with the values of the family's labels in their order.
    pub(super) fn put(&mut self, labels: &[&str], value: Number) {
        let ending = match self.family.kind {
            Kind::Gauge | Kind::Histogram => "",
            Kind::Counter => "_total",
            Kind::Info => "_info",
        };
        self.name(ending, labels, None);
        self.number(value);
    }

    /// The samples of a histogram.
    pub(super) fn histogram(&mut self, labels: &[&str], histogram: &Histogram) {
        let count = histogram.count();
        for (bound, below) in histogram.buckets() {
            // As a number with a fraction in both formats, so that the series are the same ones.
            let bound = format!("{:?}", bound as f64 / 1e6);
            self.name("_bucket", labels, Some(&bound));
            self.number(Number::Count(below));
        }
        self.name("_bucket", labels, Some("+Inf"));
        self.number(Number::Count(count));
        self.name("_sum", labels, None);
        self.number(Number::Micros(histogram.sum()));
        self.name("_count", labels, None);
        self.number(Number::Count(count));
    }

    fn name(&mut self, ending: &str, labels: &[&str], bound: Option<&str>) {
        debug_assert_eq!(
            labels.len(),
            self.family.labels.len(),
            "{}",
            self.family.name
        );
        self.line(&[self.family.name, ending]);
        let named = self
            .family
            .labels
            .iter()
            .copied()
            .zip(labels.iter().copied());
        let mut before = '{';
        for (label, value) in named.chain(bound.map(|bound| ("le", bound))) {
            self.out.push(before);
            self.line(&[label, "=\""]);
            escape(value, self.out);
            self.out.push('"');
            before = ',';
        }
        if before == ',' {
            self.out.push('}');
        }
        self.out.push(' ');
    }

    fn number(&mut self, number: Number) {
        let result = match number {
            Number::Count(count) => writeln!(self.out, "{count}"),
            Number::Micros(micros) => {
                writeln!(self.out, "{}.{:06}", micros / 1_000_000, micros % 1_000_000)
            }
            Number::At(UnixMs(millis)) => {
                let (sign, millis) = (if millis < 0 { "-" } else { "" }, millis.unsigned_abs());
                writeln!(self.out, "{sign}{}.{:03}", millis / 1_000, millis % 1_000)
            }
        };
        // A String takes all.
        debug_assert!(result.is_ok());
    }

    fn line(&mut self, pieces: &[&str]) {
        self.out.extend(pieces.iter().copied());
    }
}

/// The three characters that would end a label's value, or the line.
fn escape(value: &str, out: &mut String) {
    for part in value.split_inclusive(['\\', '"', '\n']) {
        let (rest, last) = match part.char_indices().next_back() {
            Some((at, last @ ('\\' | '"' | '\n'))) => (&part[..at], Some(last)),
            _ => (part, None),
        };
        out.push_str(rest);
        out.push_str(match last {
            Some('\\') => "\\\\",
            Some('"') => "\\\"",
            Some(_) => "\\n",
            None => "",
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_value_is_escaped() {
        for (value, expected) in [
            ("", ""),
            ("main", "main"),
            ("a\"b", "a\\\"b"),
            ("\\", "\\\\"),
            ("\"\n\\", "\\\"\\n\\\\"),
            ("\"} 1\nregent_up 0", "\\\"} 1\\nregent_up 0"),
            ("naïve ☎", "naïve ☎"),
        ] {
            let mut out = String::new();
            escape(value, &mut out);
            assert_eq!(out, expected);
        }
    }
}
