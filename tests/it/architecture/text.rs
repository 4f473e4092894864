//! Rust source read as text: what is code, what is a comment, and which paths the code names.

use std::ops::Range;

pub(super) fn is_ident(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(super) fn leading(text: &str, part: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|c| !part(c)).unwrap_or(text.len())]
}

/// Where `word` stands as a word of its own.
pub(super) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> {
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let goes_on = word.ends_with(is_ident) && text[at + word.len()..].starts_with(is_ident);
            let goes_before = word.starts_with(is_ident) && text[..at].ends_with(is_ident);
            !goes_on && !goes_before
        })
}

/// How long the first token of `text` is, and its kind: `n` a note, `s` a literal, `c` other code.
fn token(text: &str, in_word: bool) -> (usize, char) {
    let past = |from: usize, end: &str| {
        text[from..]
            .find(end)
            .map_or(text.len(), |found| from + found + end.len())
    };
    let raw = text
        .trim_start_matches(['b', 'c'])
        .strip_prefix('r')
        .filter(|_| !in_word);
    let raw = raw
        .map(|raw| raw.trim_start_matches('#'))
        .filter(|raw| raw.starts_with('"'));
    let mut chars = text.chars();
    match (chars.next(), chars.next(), chars.next()) {
        (Some('/'), Some('/'), _) => (leading(text, |c| c != '\n').len(), 'n'),
        (Some('/'), Some('*'), _) => (past(2, "*/"), 'n'),
        (Some('"'), ..) => {
            let mut end = 1;
            while end < text.len() && text.as_bytes()[end] != b'"' {
                end += if text.as_bytes()[end] == b'\\' { 2 } else { 1 };
            }
            ((end + 1).min(text.len()), 's')
        }
        (Some('\''), Some('\\'), Some(third)) => (past(2 + third.len_utf8(), "'"), 's'),
        (Some('\''), Some(second), Some('\'')) => (2 + second.len_utf8(), 's'),
        (first, ..) => match raw.map(|raw| text.len() - raw.len()) {
            Some(open) => {
                let hashes = text[..open].matches('#').count();
                (past(open + 1, &format!("\"{}", "#".repeat(hashes))), 's')
            }
            None => (first.map_or(1, char::len_utf8), 'c'),
        },
    }
}

fn blanked(part: &str) -> String {
    part.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

/// One file, seen three ways. What does not belong to a view is blanked in it, so that every offset
/// is the file's own.
pub(super) struct Source<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    /// Without comments and literals.
    pub(super) code: String,
    /// The comments alone.
    pub(super) notes: String,
    /// The code without tests.
    pub(super) live: String,
    /// Where the tests are.
    pub(super) tests: Vec<Range<usize>>,
    /// How many `super` lead from here to the root of the crate.
    pub(super) depth: usize,
}

impl<'a> Source<'a> {
    pub(super) fn of(path: &'a str, text: &'a str) -> Self {
        let (mut code, mut notes, mut at) = (String::new(), String::new(), 0);
        while at < text.len() {
            let (len, kind) = token(&text[at..], text[..at].ends_with(is_ident));
            let part = &text[at..at + len];
            code += &if kind == 'c' {
                part.to_owned()
            } else {
                blanked(part)
            };
            notes += &if kind == 'n' {
                part.to_owned()
            } else {
                blanked(part)
            };
            at += len;
        }
        let marks = code.match_indices("#[cfg(test)]");
        let tests = marks
            .map(|(at, mark)| at..item_end(&code, at + mark.len()))
            .collect();
        let depth = path.matches('/').count() - usize::from(path.ends_with("/mod.rs"));
        let live = code.clone();
        Self {
            path,
            text,
            code,
            notes,
            live,
            tests: Vec::new(),
            depth,
        }
        .tested(tests)
    }

    fn tested(mut self, tests: Vec<Range<usize>>) -> Self {
        for part in &tests {
            self.live
                .replace_range(part.clone(), &blanked(&self.code[part.clone()]));
        }
        self.tests = tests;
        self
    }

    /// Whether there is a literal in this part; one cannot be broken to shorten a line.
    pub(super) fn has_literal(&self, part: Range<usize>) -> bool {
        let shown = |view: &str| {
            view[part.clone()]
                .chars()
                .filter(|c| !c.is_whitespace())
                .count()
        };
        shown(self.text) > shown(&self.code) + shown(&self.notes)
    }

    /// The same, if `parent` declares this file as tests of its own.
    pub(super) fn declared_in(self, parent: &Source<'_>) -> Self {
        let whole = 0..self.text.len();
        if !parent.test_files().any(|path| path == self.path) {
            return self;
        }
        let depth = parent.depth + 1;
        Self {
            depth,
            ..self.tested(vec![whole])
        }
    }

    /// The files of `#[cfg(test)] mod name;`.
    fn test_files(&self) -> impl Iterator<Item = String> {
        let dir = self.path.rsplit_once('/').map_or("", |(dir, _)| dir);
        let own = self.path.trim_end_matches(".rs");
        let own = if own.ends_with("/mod") { dir } else { own };
        self.tests.iter().filter_map(move |part| {
            let (_, name) = self.code[part.clone()]
                .strip_suffix(';')?
                .split_once("mod ")?;
            let given = self.text[part.clone()].split_once("path = \"");
            let given = given.and_then(|(_, path)| path.split_once('"'));
            let given = given.map(|(path, _)| format!("{dir}/{path}"));
            Some(given.unwrap_or_else(|| format!("{own}/{name}.rs")))
        })
    }
}

/// Where the item that starts at `from` ends: behind its block, or behind its semicolon.
pub(super) fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        depth += i32::from(b"([{".contains(&byte)) - i32::from(b")]}".contains(&byte));
        if depth <= 0 && (byte == b'}' || byte == b';') {
            return at + 1;
        }
    }
    code.len()
}

/// Adds every path of the use tree, or the path, that `text` starts with; gives what follows it.
fn add_paths<'a>(text: &'a str, prefix: &str, found: &mut Vec<String>) -> &'a str {
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.is_empty() && !rest.starts_with('}') {
            rest = add_paths(rest.trim_start(), prefix, found);
            rest = rest.trim_start_matches(|c| c != ',' && c != '}');
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let name = leading(text, |c| is_ident(c) || c == '*');
    let (path, rest) = (format!("{prefix}{name}"), &text[name.len()..]);
    match rest
        .strip_prefix("::")
        .filter(|rest| !rest.starts_with('<'))
    {
        Some(rest) => add_paths(rest, &format!("{path}::"), found),
        None => {
            found.push(path);
            rest
        }
    }
}

/// Every path in `code` that begins with `root`, without it.
pub(super) fn paths(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in words(code, root) {
        let mut here = Vec::new();
        add_paths(&code[at + root.len()..], "", &mut here);
        found.extend(here.into_iter().map(|path| (at, path)));
    }
    found
}
