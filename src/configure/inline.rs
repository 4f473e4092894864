//! Tables and lists that stand within a line, or within brackets that go over several: what is
//! put into them looks like what is there.

use toml_edit::{Array, InlineTable, RawString, Value};

/// Adds an option at the end of a table in braces.
pub(super) fn insert(table: &mut InlineTable, key: &str, mut value: Value) {
    let last = last_key(table);
    let mut before = None;
    if let Some(last) = &last {
        before = table
            .key(last)
            .and_then(|key| text(key.leaf_decor().prefix()));
        if let Some(old) = table.get_mut(last) {
            // The blank before the closing brace moves behind the new value.
            let after = text(old.decor().suffix());
            old.decor_mut().set_suffix("");
            value.decor_mut().set_prefix(" ");
            value
                .decor_mut()
                .set_suffix(after.unwrap_or_else(|| " ".to_owned()));
        }
    }
    table.insert(key, value);
    if let (Some(before), Some(mut key)) = (before, table.key_mut(key)) {
        let before = if before.is_empty() { " " } else { &before };
        key.leaf_decor_mut().set_prefix(without_comments(before));
    }
}

/// Takes an option out of a table in braces.
pub(super) fn remove_key(table: &mut InlineTable, key: &str) {
    let was_last = last_key(table).as_deref() == Some(key);
    let Some((_, value)) = table.remove_entry(key) else {
        return;
    };
    if let (true, Some(last)) = (was_last, last_key(table)) {
        let after = text(value.decor().suffix());
        if let (Some(after), Some(last)) = (after, table.get_mut(&last)) {
            last.decor_mut().set_suffix(after);
        }
    }
}

/// Adds an empty table to a list.
pub(super) fn push(rows: &mut Array) {
    let mut row = Value::InlineTable(InlineTable::new());
    let last = rows.len().checked_sub(1);
    let before = last.and_then(|last| text(rows.get(last)?.decor().prefix()));
    match before {
        Some(before) if before.contains('\n') => {
            row.decor_mut().set_prefix(without_comments(&before));
        }
        _ if rows.is_empty() => row.decor_mut().set_prefix(""),
        _ => row.decor_mut().set_prefix(" "),
    }
    if let Some(old) = last.and_then(|last| rows.get_mut(last)) {
        // What stands between the last row and the bracket goes on standing before the bracket.
        let after = text(old.decor().suffix()).unwrap_or_default();
        old.decor_mut().set_suffix("");
        row.decor_mut().set_suffix(after);
    } else {
        row.decor_mut().set_suffix("");
    }
    rows.push_formatted(row);
}

/// Takes a table out of a list.
pub(super) fn remove(rows: &mut Array, at: usize) {
    if at >= rows.len() {
        return;
    }
    let (was_first, was_last) = (at == 0, at + 1 == rows.len());
    let row = rows.remove(at);
    let neighbour = if was_last {
        at.checked_sub(1)
    } else {
        Some(at)
    };
    let Some(neighbour) = neighbour.and_then(|at| rows.get_mut(at)) else {
        return;
    };
    if let (true, Some(before)) = (was_first, text(row.decor().prefix())) {
        neighbour.decor_mut().set_prefix(before);
    }
    if let (true, Some(after)) = (was_last, text(row.decor().suffix())) {
        neighbour.decor_mut().set_suffix(after);
    }
}

fn last_key(table: &InlineTable) -> Option<String> {
    table.iter().last().map(|(key, _)| key.to_owned())
}

fn text(raw: Option<&RawString>) -> Option<String> {
    raw?.as_str().map(str::to_owned)
}

/// The blanks of a text: its last line end, and the indentation after it.
fn without_comments(text: &str) -> String {
    match text.rfind('\n') {
        Some(at) => text[at..].to_owned(),
        None => " ".to_owned(),
    }
}
