//! Rows of text in columns: aligned, and cut where the screen ends.

use super::table::{Line, Tone};
use super::words::{breadth, fitted};

/// A column: its heading, and how narrow it may become.
pub(super) struct Column {
    pub(super) heading: &'static str,
    pub(super) least: usize,
}

/// A column with its heading, and the width that it keeps at least.
pub(super) const fn column(heading: &'static str, least: usize) -> Column {
    Column { heading, least }
}

/// Aligns rows below their headings, no line wider than `width`, as far as columns can give way:
/// the widest first. `tone` is that of a cell.
pub(super) fn aligned<const N: usize>(
    columns: &[Column; N],
    rows: &[[String; N]],
    width: usize,
    tone: impl Fn(usize, usize) -> Tone,
) -> Vec<Line> {
    let mut widths = [0; N];
    for (place, column) in columns.iter().enumerate() {
        let cells = rows.iter().map(|row| breadth(&row[place]));
        widths[place] = cells.max().unwrap_or(0).max(column.heading.len());
    }
    let all = |widths: &[usize; N]| widths.iter().sum::<usize>() + GAP.len() * (N - 1);
    while all(&widths) > width {
        let least = |place: usize| columns[place].least.max(columns[place].heading.len());
        let can_give = (0..N).filter(|place| widths[*place] > least(*place));
        let Some(widest) = can_give.max_by_key(|place| widths[*place] - least(*place)) else {
            break;
        };
        widths[widest] -= 1;
    }
    let heading = columns.iter().map(|it| (Tone::Quiet, it.heading));
    let mut lines = vec![line(heading, &widths)];
    lines.extend(rows.iter().enumerate().map(|(number, row)| {
        let cells = row.iter().enumerate();
        line(
            cells.map(|(place, cell)| (tone(number, place), &**cell)),
            &widths,
        )
    }));
    lines
}

fn line<'c>(cells: impl Iterator<Item = (Tone, &'c str)>, widths: &[usize]) -> Line {
    let mut line = Line::new();
    for ((tone, cell), &width) in cells.zip(widths) {
        let cell = fitted(cell, width);
        let pad = " ".repeat(width.saturating_sub(breadth(&cell)));
        line.push((tone, cell));
        line.push((Tone::Plain, pad + GAP));
    }
    // Nothing invisible stands at the end.
    while line.last().is_some_and(|(_, text)| text.trim().is_empty()) {
        line.pop();
    }
    line
}

const GAP: &str = "  ";
