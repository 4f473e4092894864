//! The part of an address behind the question mark.

use std::borrow::Cow;
use std::str::FromStr;

use super::refusal::Refusal;
use crate::config::nearest;

/// Parameters, each of which a route must know.
pub(super) struct Query<'q> {
    given: Vec<(Cow<'q, str>, Cow<'q, str>)>,
}

impl<'q> Query<'q> {
    /// Reads the parameters of which these are known.
    pub(super) fn read(text: &'q str, known: &[&'static str]) -> Result<Self, Refusal> {
        let given: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
        for (name, _) in &given {
            if known.contains(&&**name) {
                continue;
            }
            let shown: String = name.chars().take(40).collect();
            let refusal = Refusal::bad_parameter(format!("there is no parameter {shown:?} here"));
            return Err(match (nearest(name, known.iter().copied()), known) {
                (Some(near), _) => refusal.hint(format!("did you mean {near:?}?")),
                (None, []) => refusal.hint("this takes none"),
                (None, known) => refusal.hint(format!("parameters are {}", known.join(", "))),
            });
        }
        Ok(Self { given })
    }

    /// All values of a parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let own = self.given.iter().filter(move |(given, _)| given == name);
        own.map(|(_, value)| &**value)
    }

    /// The value of a parameter that may be given once. An empty one counts as none.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut all = self.all(name).filter(|value| !value.is_empty());
        let first = all.next();
        match all.next() {
            Some(_) => Err(Refusal::bad_parameter(format!("{name} is given twice"))),
            None => Ok(first),
        }
    }

    /// A parameter read as something; `wanted` says what, for people.
    pub(super) fn parsed<T: FromStr>(
        &self,
        name: &str,
        wanted: &str,
    ) -> Result<Option<T>, Refusal> {
        let read = |value: &str| value.parse().map_err(|_| wrong(name, value, wanted));
        self.one(name)?.map(read).transpose()
    }

    /// The values of a parameter, also with commas between, each read as something.
    pub(super) fn listed<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Refusal> {
        let values = self.all(name).flat_map(|value| value.split(','));
        let values = values.filter(|value| !value.is_empty());
        values
            .map(|value| read(value).ok_or_else(|| wrong(name, value, wanted)))
            .collect()
    }
}

/// A value is not what its parameter takes.
pub(super) fn wrong(name: &str, value: &str, wanted: &str) -> Refusal {
    let shown: String = value.chars().take(60).collect();
    Refusal::bad_parameter(format!("{name} is {shown:?}, but must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(result: Result<T, Refusal>) -> String {
        result.err().map(|it| format!("{it:?}")).unwrap_or_default()
    }

    #[test]
    fn parameters_are_known_and_right_or_refused() {
        let known = ["limit", "name"];
        let query = Query::read("name=a%20b&name=c,d&limit=7", &known).unwrap();
        assert_eq!(query.all("name").collect::<Vec<_>>(), ["a b", "c,d"]);
        assert_eq!(query.parsed::<u32>("limit", "a number").unwrap(), Some(7));
        let listed = query.listed("name", "", |it| Some(it.to_owned())).unwrap();
        assert_eq!(listed, ["a b", "c", "d"]);
        let refusal = refused(Query::read("limt=7", &known));
        assert!(refusal.contains("did you mean \\\"limit\\\"?"), "{refusal}");
        let twice = Query::read("limit=1&limit=2", &known).unwrap();
        assert!(refused(twice.one("limit")).contains("twice"));
        let word = Query::read("limit=some", &known).unwrap();
        let refusal = refused(word.parsed::<u32>("limit", "a number"));
        assert!(refusal.contains("must be a number"), "{refusal}");
        let empty = Query::read("limit=", &known).unwrap();
        assert!(empty.one("limit").unwrap().is_none());
    }
}
