//! A line of a script as words. What stands in double quotes is one word, whatever it holds.

use super::refusal::{Place, Refusal};

/// A word, and where it stands.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) is_quoted: bool,
    pub(super) place: Place,
}

/// The words of a line; none in a comment.
pub(super) fn words(number: u32, line: &str) -> Result<Vec<Word>, Refusal> {
    let line = line.trim_start_matches('\u{feff}');
    let mut column = 1;
    let rest = without_prompt(line);
    column += line[..line.len() - rest.len()].chars().count();
    let mut characters = rest.chars().peekable();
    let mut words = Vec::new();
    loop {
        while characters.next_if(|one| one.is_whitespace()).is_some() {
            column += 1;
        }
        let Some(first) = characters.peek() else {
            return Ok(words);
        };
        if words.is_empty() && matches!(first, '!' | '#') {
            return Ok(words);
        }
        let place = Place {
            line: number,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        };
        let mut word = Word {
            text: String::new(),
            is_quoted: *first == '"',
            place,
        };
        if word.is_quoted {
            characters.next();
            column += 1;
            column += quoted(&mut characters, &mut word.text).ok_or_else(|| {
                let refusal = Refusal::new("the double quote is not closed on this line");
                refusal
                    .hint("a double quote in a value is written \\\"")
                    .at(place)
            })?;
            if characters.peek().is_some_and(|one| !one.is_whitespace()) {
                let refusal = Refusal::new("something follows the closing double quote at once");
                return Err(refusal
                    .hint("a double quote in a value is written \\\"")
                    .at(place));
            }
        } else {
            while let Some(one) = characters.next_if(|one| !one.is_whitespace()) {
                word.text.push(one);
                column += 1;
            }
            check_plain(&word.text).map_err(|refusal| refusal.at(place))?;
        }
        words.push(word);
    }
}

/// Takes what stands before a closing quote, and returns how many characters that were with it.
fn quoted(
    characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    text: &mut String,
) -> Option<usize> {
    let mut count = 0;
    loop {
        let one = characters.next()?;
        count += 1;
        match one {
            '"' => return Some(count),
            // Any other backslash is one, since domains of users are written with it.
            '\\' if matches!(characters.peek(), Some('"' | '\\')) => {
                text.extend(characters.next());
                count += 1;
            }
            one => text.push(one),
        }
    }
}

/// In the reference a question mark asks for help wherever it is typed, but for quotes.
fn check_plain(text: &str) -> Result<(), Refusal> {
    if text.contains('?') {
        return Err(Refusal::new("a question mark asks for help here")
            .hint("put the whole value into double quotes: \"43LSyk+?\""));
    }
    if text.contains('"') {
        return Err(Refusal::new("a double quote stands inside of a word")
            .hint("put the whole value into double quotes, and write \\\" for one in it"));
    }
    Ok(())
}

/// A line without the prompt that was copied with it: `device(config-voip)# `, `device# `.
fn without_prompt(line: &str) -> &str {
    let trimmed = line.trim_start();
    let is_name = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '-' | '.' | '*');
    let after_name = trimmed.trim_start_matches(is_name);
    let has_name = after_name.len() < trimmed.len();
    if let Some(inner) = after_name.strip_prefix('(')
        && let Some((node, rest)) = inner.split_once(')')
        && node.chars().all(|one| is_name(one) || one == ' ')
        && let Some(rest) = rest.trim_start_matches('*').strip_prefix(['#', '>'])
    {
        return rest;
    }
    match after_name.strip_prefix(['#', '>']) {
        Some(rest) if has_name && (rest.is_empty() || rest.starts_with(' ')) => rest,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        let words = words(1, line).unwrap_or_else(|refusal| panic!("{line}: {refusal}"));
        words.into_iter().map(|word| word.text).collect()
    }

    fn refused(line: &str) -> String {
        match words(1, line) {
            Err(refusal) => refusal.located("s").to_string(),
            Ok(_) => panic!("{line} was taken"),
        }
    }

    #[test]
    fn what_stands_in_quotes_is_one_word() {
        for (line, wanted) in [
            ("", &[][..]),
            ("  ! anything \" at ? all", &[]),
            ("# so is this", &[]),
            ("password \"43LSyk+?\"", &["password", "43LSyk+?"]),
            (
                "\tuser-name  \"User\\audiocodes\" ",
                &["user-name", "User\\audiocodes"],
            ),
            (r#"a "say \"x\" \\ y""#, &["a", r#"say "x" \ y"#]),
            ("a \"\"", &["a", ""]),
            ("a b!c d#e", &["a", "b!c", "d#e"]),
        ] {
            assert_eq!(texts(line), wanted, "{line}");
        }
    }

    #[test]
    fn prompts_that_were_copied_are_left_out() {
        for line in [
            "(config-voip)# ip-group 0",
            "M800(config-voip)# ip-group 0",
            "Mediant-SBC(sip-def-proxy-and-reg)*# ip-group 0",
            "M800# ip-group 0",
            "M800> ip-group 0",
            "  (account-0)# ip-group 0",
        ] {
            assert_eq!(texts(line), ["ip-group", "0"], "{line}");
        }
        assert_eq!(texts("password a(b)#c"), ["password", "a(b)#c"]);
        let words = words(7, "ä(x)# y").unwrap();
        assert_eq!(words[0].text, "ä(x)#");
        let words = super::words(7, "M(x)# y").unwrap();
        assert_eq!(words[0].place, Place { line: 7, column: 7 });
    }

    #[test]
    fn what_quotes_are_for_is_said_where_they_are_missing() {
        assert_eq!(
            refused("password 43LSyk+?"),
            "s:1:10: error: a question mark asks for help here\n  hint: put the whole value into \
             double quotes: \"43LSyk+?\""
        );
        assert!(refused("ä \"a").contains("s:1:3: error: the double quote is not closed"));
        assert!(refused("a \"b\"c").contains("something follows"));
        assert!(refused("a b\"c").contains("inside of a word"));
    }
}
