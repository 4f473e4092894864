//! The pictures of the live screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line as TextLine, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::model::{Above, Model, Tab};
use crate::cli::status::{NO_MATCH, state};
use crate::cli::view::{Accounts, phases};
use crate::status::events::Columns;
use crate::status::order::SortKey;
use crate::status::table::{Line, Tone, cut, table, totals};
use crate::status::words::{PHASES, breadth, clean, clock, fitted, phase_words};
use crate::status::{Phase, StateStatus, UnixMs, alerts, groups, proxies};

/// What a picture is made of, beside the model.
pub(super) struct Sight<'a> {
    pub(super) accounts: &'a Accounts,
    /// How it is with what outlives the daemon.
    pub(super) keeping: Option<&'a StateStatus>,
    /// Why there is no daemon.
    pub(super) lost: Option<&'a str>,
    /// What stands over it where there is room.
    pub(super) words: &'a [Line],
    pub(super) now: UnixMs,
    pub(super) has_colours: bool,
}

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, model: &mut Model, sight: &Sight<'_>) {
    let area = frame.area();
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let mut head = head(model, sight, width);
    let rows = match (&model.opened, model.tab) {
        (None, Tab::Accounts) => model.shown.len() + 1,
        _ => height,
    };
    // The words are worth less than any row.
    let has_room = sight.words.len() + head.len() + rows <= height;
    let words = sight.words.iter().filter(|_| has_room).cloned();
    let mut lines: Vec<Line> = words.collect();
    lines.append(&mut head);
    let foot = (height >= lines.len() + FOOT_ROOM).then(|| foot(model));
    let room = height.saturating_sub(lines.len() + usize::from(foot.is_some()));
    let (body, selected) = body(model, sight, (width, room));
    let selected = selected.map(|row| lines.len() + row);
    lines.extend(body);
    for (row, line) in lines.into_iter().take(height).enumerate() {
        let mut line = text(cut(line, width), sight.has_colours);
        let is_selected = selected == Some(row);
        let place = Rect {
            y: area.y + row as u16,
            height: 1,
            ..area
        };
        if is_selected {
            line = line.patch_style(Style::new().add_modifier(Modifier::REVERSED));
            frame.buffer_mut().set_style(place, Modifier::REVERSED);
        }
        frame
            .buffer_mut()
            .set_line(area.x, place.y, &line, area.width);
    }
    if let Some(foot) = foot {
        let line = text(cut(foot, width), sight.has_colours);
        let last = area.bottom().saturating_sub(1);
        frame.buffer_mut().set_line(area.x, last, &line, area.width);
    }
    if let Some(above) = &model.above {
        draw_above(frame, above, model, sight);
    }
}

/// Title, totals, and what is to be said above the rest.
fn head(model: &Model, sight: &Sight<'_>, width: usize) -> Vec<Line> {
    let mut lines = vec![title(model, sight, width)];
    if let Some(why) = sight.lost {
        let text = format!("{why}: this is how it was; it is looked for again each second");
        lines.push(vec![(Tone::Bad, text)]);
    }
    if let Some(line) = sight.keeping.and_then(state) {
        lines.push(line);
    }
    if let Some(message) = &model.message {
        lines.push(message.clone());
    }
    if model.opened.is_some() || model.tab != Tab::Accounts {
        return lines;
    }
    let (shown, all) = (model.shown.len(), sight.accounts.len());
    let some = if shown == all {
        String::new()
    } else {
        format!("{shown} of ")
    };
    lines.push(vec![(Tone::Quiet, some + &totals(phases(sight.accounts)))]);
    let mut chosen = Vec::new();
    if model.is_typing || !model.filter.is_empty() {
        let mark = if model.is_typing { "▏" } else { "" };
        chosen.push(format!("/{}{mark}", clean(&model.filter)));
    }
    if !model.phases.is_empty() {
        let phases: Vec<_> = model
            .phases
            .iter()
            .map(|phase| phase_words(*phase))
            .collect();
        chosen.push(format!("only {}", phases.join(", ")));
    }
    if model.sort != SortKey::Index || model.is_reversed {
        let reversed = if model.is_reversed { ", reversed" } else { "" };
        chosen.push(format!("by {}{reversed}", model.sort.word()));
    }
    if !chosen.is_empty() {
        lines.push(vec![(Tone::Plain, chosen.join("   "))]);
    }
    lines
}

/// How it ends, the tabs as far as they fit, and the time.
fn title(model: &Model, sight: &Sight<'_>, width: usize) -> Line {
    let mut line = vec![(Tone::Quiet, "q ends  ? help".to_owned())];
    let time = clock(sight.now);
    let tabs: usize = Tab::ALL.iter().map(|(_, name)| name.len() + 5).sum();
    let mut used = breadth("q ends  ? help");
    if let Some(opened) = &model.opened {
        line.push((Tone::Quiet, "  Esc back".to_owned()));
        line.push((Tone::Plain, format!("  {}", clean(&opened.name))));
        used += 12 + breadth(&opened.name);
    } else if used + tabs <= width {
        for (place, (tab, name)) in Tab::ALL.into_iter().enumerate() {
            let (tone, text) = match tab == model.tab {
                true => (Tone::Plain, format!(" [{} {name}]", place + 1)),
                false => (Tone::Quiet, format!("  {} {name} ", place + 1)),
            };
            used += breadth(&text);
            line.push((tone, text));
        }
    } else if let Some((_, name)) = Tab::ALL.get(model.tab.place()) {
        line.push((Tone::Plain, format!("  {name}")));
        used += 2 + name.len();
    }
    if used + 2 + time.len() <= width {
        let gap = " ".repeat(width - used - time.len());
        line.push((Tone::Quiet, gap + &time));
    }
    line
}

/// What the keys do, where there is room for it.
fn foot(model: &Model) -> Line {
    let text = match (&model.opened, model.tab) {
        (Some(_), _) => "s story  t timeline  m messages   r register  u un-register  f refresh",
        (None, Tab::Accounts) if model.is_typing => "Enter keeps the filter, Esc clears it",
        (None, Tab::Accounts) => "Enter opens   / filter  p phases  s sort  r u f orders",
        (None, _) => "↑ ↓ scroll   Tab next   Esc Accounts",
    };
    vec![(Tone::Quiet, text.to_owned())]
}

/// The rest, in so many lines, and which of them is selected.
fn body(
    model: &mut Model,
    sight: &Sight<'_>,
    (width, room): (usize, usize),
) -> (Vec<Line>, Option<usize>) {
    if let Some(mut opened) = model.opened.take() {
        let status = sight.accounts.get(&opened.name).cloned();
        let lines = opened.lines(status.as_deref(), sight.now, width);
        model.room = room;
        opened.top = opened.top.min(lines.len().saturating_sub(room.max(1)));
        let lines = lines.into_iter().skip(opened.top).take(room).collect();
        model.opened = Some(opened);
        return (lines, None);
    }
    if model.tab == Tab::Accounts {
        return accounts(model, sight, (width, room));
    }
    let lines = others(model, sight, width);
    model.room = room;
    // The heading stays.
    let most = lines.len().saturating_sub(room.max(1));
    model.scroll = model.scroll.min(most);
    let (heading, rows) = lines.split_at(1.min(lines.len()));
    let rows = rows.iter().skip(model.scroll);
    (
        heading.iter().chain(rows).take(room).cloned().collect(),
        None,
    )
}

fn accounts(
    model: &mut Model,
    sight: &Sight<'_>,
    (width, room): (usize, usize),
) -> (Vec<Line>, Option<usize>) {
    if model.shown.is_empty() {
        let text = match sight.accounts.is_empty() {
            true => "no Accounts",
            false => NO_MATCH,
        };
        return (vec![vec![(Tone::Plain, text.to_owned())]], None);
    }
    let all = model.shown.len();
    // The heading takes a line, and what is out of sight another one.
    model.room = match all + 1 > room {
        true => room.saturating_sub(2).max(1),
        false => all,
    };
    model.keep_in_sight();
    let seen = model.shown.iter().skip(model.top).take(model.room);
    let mut lines = table(seen.map(AsRef::as_ref), sight.now, width.min(WIDEST));
    if all > model.room {
        let (first, last) = (model.top + 1, model.top + model.room);
        lines.push(vec![(Tone::Quiet, format!("{first}–{last} of {all}"))]);
    }
    (lines, Some(model.selected - model.top + 1))
}

/// The tabs beside the Accounts.
fn others(model: &Model, sight: &Sight<'_>, width: usize) -> Vec<Line> {
    let lists = &model.lists;
    if let Some(trouble) = &lists.trouble {
        return vec![vec![(Tone::Doubtful, clean(trouble))]];
    }
    match model.tab {
        Tab::Accounts => Vec::new(),
        Tab::ProxySets => proxies::table(lists.sets.iter().map(AsRef::as_ref), sight.now, width),
        Tab::Groups => groups::table(&lists.groups, width),
        Tab::Alerts => {
            let told = (&*lists.alerts, &*lists.deliveries);
            alerts::overview(told, &lists.subscriptions, sight.now, width)
        }
        Tab::Events => {
            let mut columns = Columns::default();
            lists.events.iter().for_each(|event| columns.fit(event));
            let heading = vec![(Tone::Quiet, "the newest first, in UTC".to_owned())];
            let lines = lists.events.iter().map(|event| columns.line(event));
            std::iter::once(heading).chain(lines).collect()
        }
    }
}

fn draw_above(frame: &mut Frame<'_>, above: &Above, model: &Model, sight: &Sight<'_>) {
    let (title, lines, selected): (&str, Vec<String>, _) = match above {
        Above::Help => ("keys", HELP.map(str::to_owned).to_vec(), None),
        Above::Question(verb, account) => {
            let question = verb.question(&clean(account));
            (
                "sure?",
                vec![question, "y yes   any other key: no".to_owned()],
                None,
            )
        }
        Above::Phases(at) => {
            let phases = phases(sight.accounts);
            let line = |phase: &Phase| {
                let mark = if model.phases.contains(phase) {
                    'x'
                } else {
                    ' '
                };
                let number = phases.get(phase).copied().unwrap_or(0);
                format!("[{mark}] {} ({number})", phase_words(*phase))
            };
            let mut lines: Vec<_> = PHASES.iter().map(line).collect();
            lines.push("Space toggles, a shows all, Enter ends".to_owned());
            ("only these phases", lines, Some(*at))
        }
    };
    let area = frame.area();
    let widest = lines.iter().map(|line| breadth(line)).max().unwrap_or(0);
    let fits = |wanted: usize, room: u16| u16::try_from(wanted + 2).unwrap_or(u16::MAX).min(room);
    let (width, height) = (fits(widest, area.width), fits(lines.len(), area.height));
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let inner = usize::from(width.saturating_sub(2));
    let styled = lines.iter().enumerate().map(|(row, line)| {
        let style = match selected == Some(row) {
            true => Style::new().add_modifier(Modifier::REVERSED),
            false => Style::new(),
        };
        TextLine::styled(fitted(line, inner), style)
    });
    let text: Vec<TextLine<'_>> = styled.collect();
    frame.render_widget(Clear, place);
    frame.render_widget(
        Paragraph::new(text).block(Block::bordered().title(title)),
        place,
    );
}

/// Pieces with tones as ratatui has them.
fn text(line: Line, has_colours: bool) -> TextLine<'static> {
    let spans = line
        .into_iter()
        .map(|(tone, text)| Span::styled(text, style(tone, has_colours)));
    TextLine::from(spans.collect::<Vec<_>>())
}

/// A tone as colours; where there are none, what is bad is bold.
pub(super) fn style(tone: Tone, has_colours: bool) -> Style {
    let plain = Style::new();
    match (tone, has_colours) {
        (Tone::Plain, _) => plain,
        (Tone::Quiet, _) => plain.add_modifier(Modifier::DIM),
        (Tone::Good, true) => plain.fg(Color::Green),
        (Tone::Doubtful, true) => plain.fg(Color::Yellow),
        (Tone::Bad, true) => plain.fg(Color::Red),
        (Tone::Lost, true) => plain.fg(Color::Black).bg(Color::Gray),
        (Tone::Unwatched, true) => plain.fg(Color::Gray),
        (Tone::Bad | Tone::Lost, false) => plain.add_modifier(Modifier::BOLD),
        (Tone::Good | Tone::Doubtful | Tone::Unwatched, false) => plain,
    }
}

const HELP: [&str; 17] = [
    "↑ ↓ PgUp PgDn Home End  move",
    "Enter   open an Account: story, timeline, messages",
    "s t m   there: to the story, timeline, last messages",
    "Esc     back; clears filter and phases",
    "1…5 Tab Accounts, Proxy Sets, Groups, Alerts, Events",
    "/       filter: name, address, group, status, detail",
    "p       only some phases",
    "s S     sort by the next column; backwards",
    "r       register the Account now",
    "u       un-register it, and stay away",
    "f       refresh its binding now",
    "        each asks first",
    "Ctrl-Z  stop; `fg` goes on",
    "q       end, as Ctrl-C does",
    "",
    "Green: well. Yellow: may pass by itself. Red: act.",
    "Any key puts this away.",
];

/// Tables are never wider, however wide the terminal is.
const WIDEST: usize = 160;

/// With fewer lines than that below the head nobody is told about keys.
const FOOT_ROOM: usize = 9;
