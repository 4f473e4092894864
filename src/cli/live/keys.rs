//! What a key does.
#![expect(clippy::wildcard_enum_match_arm, reason = "most keys do nothing")]

use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::model::{Above, Model, Tab, Verb};
use super::opened::Opened;
use crate::status::words::PHASES;

/// What a key asks of who holds the terminal and the connections.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// Nothing more than another picture.
    Nothing,
    /// The end.
    End,
    /// To be stopped, as Ctrl-Z asks for.
    Stop,
    /// The Account that is open needs its connections, or needs them no more and a tab is shown.
    Follow,
    /// Another choice or order of Accounts.
    Arrange,
    /// Another tab.
    Show,
    /// An order, which was agreed to.
    Order(Verb, Arc<str>),
}

impl Model {
    /// A key was pressed.
    pub(super) fn on_key(&mut self, key: KeyEvent) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::Nothing;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c' | 'd') => Wish::End,
                KeyCode::Char('z') => Wish::Stop,
                _ => Wish::Nothing,
            };
        }
        self.message = None;
        if let Some(above) = self.above.take() {
            return self.on_key_above(above, key.code);
        }
        if self.is_typing {
            return self.on_letter(key.code);
        }
        match key.code {
            KeyCode::Char('q' | 'Q') => Wish::End,
            KeyCode::Char('?' | 'h') => self.put(Above::Help),
            KeyCode::Char('r') => self.ask(Verb::Register),
            KeyCode::Char('u') => self.ask(Verb::Unregister),
            KeyCode::Char('f') => self.ask(Verb::Refresh),
            code if self.opened.is_some() => self.on_key_in_account(code),
            code => self.on_key_in_list(code),
        }
    }

    fn put(&mut self, above: Above) -> Wish {
        self.above = Some(above);
        Wish::Nothing
    }

    fn ask(&mut self, verb: Verb) -> Wish {
        match self.subject() {
            Some(account) => self.put(Above::Question(verb, account)),
            None => Wish::Nothing,
        }
    }

    fn on_key_above(&mut self, above: Above, code: KeyCode) -> Wish {
        match (above, code) {
            (Above::Question(verb, account), KeyCode::Char('y' | 'Y')) => {
                Wish::Order(verb, account)
            }
            (Above::Phases(at), KeyCode::Up | KeyCode::Char('k')) => {
                self.put(Above::Phases(at.saturating_sub(1)))
            }
            (Above::Phases(at), KeyCode::Down | KeyCode::Char('j')) => {
                self.put(Above::Phases((at + 1).min(PHASES.len() - 1)))
            }
            (Above::Phases(at), KeyCode::Char(' ')) => {
                let phase = PHASES[at.min(PHASES.len() - 1)];
                if !self.phases.remove(&phase) {
                    self.phases.insert(phase);
                }
                self.above = Some(Above::Phases(at));
                Wish::Arrange
            }
            (Above::Phases(_), KeyCode::Char('a')) => {
                self.phases.clear();
                Wish::Arrange
            }
            // Any other key puts it away.
            (Above::Question(..) | Above::Phases(_) | Above::Help, _) => Wish::Nothing,
        }
    }

    fn on_letter(&mut self, code: KeyCode) -> Wish {
        match code {
            KeyCode::Char(letter) => self.filter.push(letter),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.is_typing = false;
                self.filter.clear();
            }
            _ => return Wish::Nothing,
        }
        Wish::Arrange
    }

    fn on_key_in_account(&mut self, code: KeyCode) -> Wish {
        let page = self.room.saturating_sub(1).max(1);
        let Some(opened) = &mut self.opened else {
            return Wish::Nothing;
        };
        match code {
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => {
                self.opened = None;
                return Wish::Follow;
            }
            KeyCode::Up | KeyCode::Char('k') => opened.top = opened.top.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => opened.top += 1,
            KeyCode::PageUp => opened.top = opened.top.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => opened.top += page,
            KeyCode::Home | KeyCode::Char('g' | 's') => opened.top = 0,
            KeyCode::Char('t') => opened.top = opened.timeline,
            // The newest message is the last line.
            KeyCode::End | KeyCode::Char('G' | 'm') => opened.top = usize::MAX,
            KeyCode::Char(digit @ '1'..='5') => {
                self.opened = None;
                self.go_to(usize::from(digit as u8 - b'1'));
                return Wish::Follow;
            }
            _ => {}
        }
        Wish::Nothing
    }

    fn on_key_in_list(&mut self, code: KeyCode) -> Wish {
        match code {
            KeyCode::Char(digit @ '1'..='5') => {
                return self.show(usize::from(digit as u8 - b'1'));
            }
            KeyCode::Tab | KeyCode::Right => return self.show(self.tab.place() + 1),
            KeyCode::BackTab | KeyCode::Left => {
                return self.show(self.tab.place() + Tab::ALL.len() - 1);
            }
            _ => {}
        }
        if self.tab != Tab::Accounts {
            return self.on_key_in_other(code);
        }
        let (page, last) = (self.room.max(1), usize::MAX);
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.select(self.selected.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.select(self.selected + 1),
            KeyCode::PageUp => self.select(self.selected.saturating_sub(page)),
            KeyCode::PageDown | KeyCode::Char(' ') => self.select(self.selected + page),
            KeyCode::Home | KeyCode::Char('g') => self.select(0),
            KeyCode::End | KeyCode::Char('G') => self.select(last),
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Char('p') => return self.put(Above::Phases(0)),
            KeyCode::Char('s') => self.sort = self.sort.following(),
            KeyCode::Char('S') => self.is_reversed = !self.is_reversed,
            KeyCode::Esc => {
                self.filter.clear();
                self.phases.clear();
            }
            KeyCode::Enter => {
                let name = self.selected().map(|it| Arc::clone(&it.name));
                let Some(name) = name else {
                    return Wish::Nothing;
                };
                self.opened = Some(Opened::new(name));
                return Wish::Follow;
            }
            _ => return Wish::Nothing,
        }
        match code {
            KeyCode::Char('/' | 's' | 'S') | KeyCode::Esc => Wish::Arrange,
            _ => Wish::Nothing,
        }
    }

    fn on_key_in_other(&mut self, code: KeyCode) -> Wish {
        let page = self.room.max(1);
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll += 1,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll += page,
            KeyCode::Home | KeyCode::Char('g') => self.scroll = 0,
            KeyCode::End | KeyCode::Char('G') => self.scroll = usize::MAX,
            KeyCode::Esc => return self.show(0),
            _ => {}
        }
        Wish::Nothing
    }

    fn show(&mut self, place: usize) -> Wish {
        self.go_to(place);
        Wish::Show
    }

    fn go_to(&mut self, place: usize) {
        self.tab = Tab::ALL[place % Tab::ALL.len()].0;
        self.scroll = 0;
    }
}
