//! Scripts in the reference's own syntax: nodes that are entered and left, a parameter and its
//! value on each line, `activate`.
//!
//! It reads a whole script and says everything that is wrong with it as a text. What it means for a
//! configuration is found out when its steps are carried out.

use super::grammar::{Change, Setting, Target, Verb, is_foreign, option, setting, table};
use super::lexer::{Word, words};
use super::refusal::{Place, Refusal};
use crate::config::nearest;
use crate::config::options::{Fallback, Table};

/// A script, read.
#[derive(Default)]
pub struct Script {
    /// What is to be done, in order.
    pub steps: Vec<Step>,
    /// What is left out, because it has no meaning here.
    pub notes: Vec<(Place, String)>,
    /// What is wrong.
    pub refusals: Vec<Refusal>,
}

/// One step of a script.
#[derive(Clone)]
pub enum Step {
    /// A change of a row.
    Change(Change),
    /// A row is to be shown.
    Show(Target, Place),
    /// The whole configuration is to be shown, as a script.
    ShowAll,
}

impl Script {
    /// Reads a script.
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader::default();
        for (number, line) in text.lines().enumerate() {
            let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
            let read = words(number, line).and_then(|words| reader.line(&words));
            if let Err(refusal) = read {
                reader.script.refusals.push(refusal);
            }
        }
        reader.finish()
    }
}

#[derive(Default)]
struct Reader {
    script: Script,
    is_configuring: bool,
    /// The rows that are open, the innermost last.
    open: Vec<Open>,
}

/// A row that was entered.
struct Open {
    target: Target,
    place: Place,
    settings: Vec<Setting>,
    /// A row without a number cannot be found again, so all of it is one change.
    is_new: bool,
    is_pending: bool,
    /// It could not be entered: what is said in it is read, and counts for nothing.
    is_void: bool,
}

impl Reader {
    fn line(&mut self, words: &[Word]) -> Result<(), Refusal> {
        let Some(first) = words.first() else {
            return Ok(());
        };
        let command = first.text.to_ascii_lowercase();
        match (command.as_str(), first.is_quoted) {
            ("exit" | "quit", false) => {
                only(words, 1)?;
                match self.open.pop() {
                    Some(open) => self.put(open),
                    None => self.is_configuring = false,
                }
                Ok(())
            }
            ("end", false) => {
                only(words, 1)?;
                self.leave_all();
                Ok(())
            }
            // What is changed is saved in any case.
            ("write", false) => Ok(()),
            ("show" | "display", false) => self.show(words),
            ("no", false) => self.no(words),
            _ if !self.open.is_empty() => self.in_row(words, first),
            ("configure", false) => self.configure(words),
            _ => self.enter(words),
        }
    }

    fn configure(&mut self, words: &[Word]) -> Result<(), Refusal> {
        let [_, area] = words else {
            let hint = "the reference says `configure voip`";
            return Err(Refusal::new("what is to be configured is missing")
                .hint(hint)
                .at(words[0].place));
        };
        if !area.text.eq_ignore_ascii_case("voip") {
            let message = format!("{:?} has no counterpart here", area.text);
            let hint = "`configure voip` has the Accounts and what belongs to them";
            return Err(Refusal::new(message).hint(hint).at(area.place));
        }
        self.is_configuring = true;
        Ok(())
    }

    /// Enters a row from outside of any.
    fn enter(&mut self, words: &[Word]) -> Result<(), Refusal> {
        let (table, rest) = node(words)?;
        self.open_row(table, None, rest, words[0].place)
    }

    fn open_row(
        &mut self,
        table: Table,
        set: Option<String>,
        rest: &[Word],
        place: Place,
    ) -> Result<(), Refusal> {
        let row = row_of(table, rest, place);
        let (row, refusal) = match row {
            Ok(row) => (row, None),
            Err(refusal) => (None, Some(refusal)),
        };
        let is_new = row.as_deref() == Some("new");
        let is_inside_void = self.open.last().is_some_and(|open| open.is_void);
        self.open.push(Open {
            target: Target {
                table,
                set,
                row: row.filter(|_| !is_new),
            },
            place,
            settings: Vec::new(),
            is_new,
            is_pending: false,
            is_void: refusal.is_some() || is_inside_void,
        });
        refusal.map_or(Ok(()), Err)
    }

    /// What a line means inside of a row.
    fn in_row(&mut self, words: &[Word], first: &Word) -> Result<(), Refusal> {
        let command = first.text.to_ascii_lowercase();
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        let kind = open.target.table;
        match command.as_str() {
            "activate" => {
                only(words, 1)?;
                open.is_pending = true;
                if !open.is_new {
                    self.flush();
                }
                return Ok(());
            }
            "defaults" => {
                only(words, 1)?;
                self.flush();
                self.change(Verb::Defaults, first.place);
                return Ok(());
            }
            _ => {}
        }
        if kind == Table::ProxySet && table(&command) == Some(Table::Proxy) {
            let set = open.target.row.clone();
            self.flush();
            return self.open_row(Table::Proxy, set, &words[1..], first.place);
        }
        if is_foreign(kind, &command) {
            let what = format!("{command} has no meaning here, and is left out");
            self.script.notes.push((first.place, what));
            return Ok(());
        }
        let option = option(kind, &first.text).map_err(|refusal| match node(words) {
            // Without a hint of its own, the line may be of the node above.
            Ok(_) => Refusal::new(refusal.message)
                .hint("`exit` comes first")
                .at(first.place),
            Err(_) => refusal.at(first.place),
        })?;
        let value = match &words[1..] {
            [value] => value,
            [] => {
                let refusal = Refusal::new(format!("{} has no value", option.cli));
                let hint = format!("`no {}` takes it out", option.cli);
                return Err(refusal.hint(hint).at(first.place));
            }
            [_, more, ..] => return Err(too_many(more)),
        };
        let setting = if value.text.is_empty() && may_be_empty(option.fallback) {
            // The reference empties a text so.
            Setting {
                option,
                value: None,
                place: value.place,
            }
        } else {
            setting(option, &value.text, value.place)?
        };
        put_setting(&mut open.settings, setting);
        open.is_pending = true;
        Ok(())
    }

    /// `no NAME` in a row, `no TABLE NUMBER` outside and for the addresses of a set.
    fn no(&mut self, words: &[Word]) -> Result<(), Refusal> {
        let place = words[0].place;
        let [_, first, rest @ ..] = words else {
            let refusal = Refusal::new("`no` takes a parameter, or a table and a number");
            return Err(refusal.at(place));
        };
        let Some(open) = self.open.last_mut() else {
            let (table, rest) = node(&words[1..])?;
            return self.remove(table, None, rest, first.place);
        };
        let kind = open.target.table;
        if kind == Table::ProxySet && table(&first.text) == Some(Table::Proxy) {
            let set = open.target.row.clone();
            if open.is_void {
                return Ok(());
            }
            self.flush();
            return self.remove(Table::Proxy, set, rest, first.place);
        }
        let option = option(kind, &first.text).map_err(|refusal| refusal.at(first.place))?;
        // The reference lets the old value follow, or not.
        if let [_, more, ..] = rest {
            return Err(too_many(more));
        }
        let setting = Setting {
            option,
            value: None,
            place: first.place,
        };
        put_setting(&mut open.settings, setting);
        open.is_pending = true;
        Ok(())
    }

    fn remove(
        &mut self,
        table: Table,
        set: Option<String>,
        rest: &[Word],
        place: Place,
    ) -> Result<(), Refusal> {
        let [row] = rest else {
            let refusal = Refusal::new(format!("which {} is missing", table.info().cli));
            return Err(refusal
                .hint(format!("for example `no {} 0`", table.info().cli))
                .at(place));
        };
        self.script.steps.push(Step::Change(Change {
            place,
            target: Target {
                table,
                set,
                row: Some(row.text.clone()),
            },
            verb: Verb::Remove,
            settings: Vec::new(),
        }));
        Ok(())
    }

    /// `show` in a row shows the row, outside of any all of them.
    fn show(&mut self, words: &[Word]) -> Result<(), Refusal> {
        let place = words[0].place;
        if let Some(open) = self.open.last() {
            let target = open.target.clone();
            if open.is_void {
                return Ok(());
            }
            if open.is_new {
                let refusal = Refusal::new("a new row can be shown when it has a number");
                return Err(refusal.at(place));
            }
            self.flush();
            self.script.steps.push(Step::Show(target, place));
            return Ok(());
        }
        let is_known = words
            .get(1)
            .is_none_or(|word| ["running-config", "voip"].contains(&word.text.as_str()));
        if !is_known {
            let refusal = Refusal::new("only the configuration can be shown here");
            return Err(refusal.hint("`show running-config`").at(words[1].place));
        }
        self.script.steps.push(Step::ShowAll);
        Ok(())
    }

    /// Makes the pending changes of the innermost row a step.
    fn flush(&mut self) {
        if self.open.last().is_some_and(|open| open.is_pending) {
            self.change(Verb::Put, Place::default());
        }
    }

    fn change(&mut self, verb: Verb, place: Place) {
        let Some(open) = self.open.last_mut().filter(|open| !open.is_void) else {
            return;
        };
        let is_put = verb == Verb::Put;
        let settings = match is_put {
            true => std::mem::take(&mut open.settings),
            false => Vec::new(),
        };
        open.is_pending &= !is_put;
        self.script.steps.push(Step::Change(Change {
            place: if is_put { open.place } else { place },
            target: open.target.clone(),
            verb,
            settings,
        }));
    }

    /// A row was left.
    fn put(&mut self, open: Open) {
        if open.is_pending && !open.is_void {
            self.script.steps.push(Step::Change(Change {
                place: open.place,
                target: open.target,
                verb: Verb::Put,
                settings: open.settings,
            }));
        }
    }

    fn leave_all(&mut self) {
        while let Some(open) = self.open.pop() {
            self.put(open);
        }
        self.is_configuring = false;
    }

    fn finish(mut self) -> Script {
        for open in std::mem::take(&mut self.open) {
            if open.is_pending && !open.is_void {
                let node = super::apply::label(&open.target);
                let refusal = Refusal::new(format!("{node} was changed and never activated"));
                let refusal = refusal.hint("the script ends too early: `activate`, or `exit`");
                self.script.refusals.push(refusal.at(open.place));
            }
        }
        self.script
    }
}

/// Which row is entered; none in a table that there is once.
fn row_of(table: Table, rest: &[Word], place: Place) -> Result<Option<String>, Refusal> {
    if !table.info().many {
        return only(rest, 0).map(|()| None);
    }
    let node = table.info().cli;
    let [row] = rest else {
        let refusal = match rest.get(1) {
            Some(more) => too_many(more),
            None => Refusal::new(format!("{node} needs a number")).at(place),
        };
        return Err(refusal.hint(format!("for example `{node} 0`")));
    };
    if row.text == "new" && matches!(table, Table::ProxySet | Table::Proxy) {
        // Its addresses could not say where they belong.
        return Err(Refusal::new(format!("a new {node} needs a number here"))
            .hint(format!("one that there is not yet, for example `{node} 1`"))
            .at(place));
    }
    Ok(Some(row.text.clone()))
}

/// The table that a line leads to, and what follows.
fn node(words: &[Word]) -> Result<(Table, &[Word]), Refusal> {
    let (first, rest) = match words {
        [area, first, rest @ ..] if area.text.eq_ignore_ascii_case("sip-definition") => {
            (first, rest)
        }
        [first, rest @ ..] => (first, rest),
        [] => return Err(Refusal::new("nothing follows")),
    };
    match table(&first.text) {
        Some(Table::Proxy) => Err(Refusal::new("proxy-ip stands inside of a proxy-set")
            .hint("`proxy-set 0` comes first")
            .at(first.place)),
        Some(table) => Ok((table, rest)),
        None => {
            let nodes = super::TABLES.into_iter().map(|table| table.info().cli);
            let more = ["configure", "activate", "exit", "sip-definition", "show"];
            let refusal =
                Refusal::new(format!("{:?} is not known here", first.text)).at(first.place);
            Err(match nearest(&first.text, nodes.chain(more)) {
                Some(near) => refusal.hint(format!("did you mean {near:?}?")),
                None => refusal.hint(
                    "rows are sip-definition account, ip-group, proxy-set and sip-interface; a \
                     parameter stands inside of one",
                ),
            })
        }
    }
}

fn put_setting(settings: &mut Vec<Setting>, setting: Setting) {
    settings.retain(|one| one.option.key != setting.option.key);
    settings.push(setting);
}

fn may_be_empty(fallback: Fallback) -> bool {
    matches!(
        fallback,
        Fallback::Nothing(_) | Fallback::Computed(_) | Fallback::Codes([])
    )
}

fn only(words: &[Word], count: usize) -> Result<(), Refusal> {
    words.get(count).map_or(Ok(()), |word| Err(too_many(word)))
}

fn too_many(word: &Word) -> Refusal {
    Refusal::new("there is more on the line than one value")
        .hint("put a value with blanks into double quotes")
        .at(word.place)
}
