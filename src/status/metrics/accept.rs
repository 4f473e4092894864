//! Which format a client wants, by what it says that it accepts (RFC 9110 §12.5.1).

use super::Format;

/// The format for a client with this `Accept`. Whoever prefers neither gets the older one, which
/// everybody reads.
pub fn negotiate(accept: Option<&str>) -> Format {
    let Some(accept) = accept else {
        return Format::Text;
    };
    let text = wish(accept, |item| item.rank("text", "plain", &["0.0.4"]));
    let open = wish(accept, |item| {
        item.rank("application", "openmetrics-text", &["1.0.0", "0.0.1"])
    });
    match open {
        // Who names it and not the other means it.
        (rank, quality) if quality > 0 && (quality, rank) > (text.1, text.0) => Format::OpenMetrics,
        _ => Format::Text,
    }
}

/// How exactly a type is named, and how much it is wanted, in thousandths: the most exact name
/// counts, and of several as exact the one that is wanted most.
fn wish(accept: &str, rank: impl Fn(&Item<'_>) -> u8) -> (u8, u16) {
    let items = accept.split(',').map(Item::read);
    let ranked = items.map(|item| (rank(&item), item.quality));
    ranked.filter(|it| it.0 > 0).max().unwrap_or((0, 0))
}

/// One of the types that are accepted.
struct Item<'a> {
    kind: &'a str,
    version: Option<&'a str>,
    quality: u16,
}

impl<'a> Item<'a> {
    fn read(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let mut item = Self {
            kind: parts.next().unwrap_or_default(),
            version: None,
            quality: 1_000,
        };
        for part in parts {
            let Some((name, value)) = part.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            match name.trim() {
                "q" | "Q" => item.quality = quality(value),
                name if name.eq_ignore_ascii_case("version") => item.version = Some(value),
                _ => {}
            }
        }
        item
    }

    /// How exactly it names this type: 0 where it does not.
    fn rank(&self, major: &str, minor: &str, versions: &[&str]) -> u8 {
        let Some((own_major, own_minor)) = self.kind.split_once('/') else {
            return 0;
        };
        let is_major = own_major.eq_ignore_ascii_case(major);
        match self.version {
            _ if own_major == "*" && own_minor == "*" => 1,
            _ if is_major && own_minor == "*" => 2,
            _ if !is_major || !own_minor.eq_ignore_ascii_case(minor) => 0,
            None => 3,
            Some(version) if versions.contains(&version) => 3,
            Some(_) => 0,
        }
    }
}

/// A weight in thousandths. What is none means that the type is not wanted.
fn quality(text: &str) -> u16 {
    let number: f64 = text.parse().unwrap_or(0.0);
    if (0.0..=1.0).contains(&number) {
        (number * 1_000.0).round() as u16
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_openmetrics_gets_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0,\
                          application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let newer = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                     application/openmetrics-text;version=0.0.1;q=0.5,\
                     text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                     text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for accept in [
            prometheus,
            newer,
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; Version=\"1.0.0\"",
            "application/openmetrics-text, */*",
            "text/plain;q=0.2, application/openmetrics-text;q=0.3",
            "application/*;q=0.9, text/*;q=0.8",
            "text/plain;version=1.0.0, application/openmetrics-text;version=1.0.0;q=0.1",
        ] {
            assert_eq!(negotiate(Some(accept)), Format::OpenMetrics, "{accept}");
        }
    }

    #[test]
    fn everybody_else_gets_the_text_format() {
        assert_eq!(negotiate(None), Format::Text);
        for accept in [
            "",
            "*/*",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "text/plain, application/openmetrics-text",
            "application/openmetrics-text;q=0.4, text/plain;q=0.5",
            "application/openmetrics-text;q=0, */*",
            "application/openmetrics-text;version=9.0.0, text/plain;q=0.1",
            "application/openmetrics-text;q=much",
            "application/json",
            ";;;=,/,,q=1",
            "application/openmetrics-text;q=NaN",
            "application/openmetrics-text;q=-1",
        ] {
            assert_eq!(negotiate(Some(accept)), Format::Text, "{accept}");
        }
    }
}
