//! What follows from all that was told to the sets: lookups, probes, verdicts, news, the timer.

use std::sync::Arc;

use super::names::Name;
use super::set::News;
use super::{Change, Proxies, Rules, TELLING, probe};
use crate::cx::{Cx, Owner};
use crate::effect::SetId;
use crate::pace::{Pace, RegistrarId};

impl Proxies {
    /// Every published time is another.
    pub fn on_clock(&mut self) {
        self.sets
            .iter_mut()
            .for_each(|set| set.news.is_urgent = true);
        self.touch_all();
    }

    /// Whether [`Proxies::settle`] has anything to do.
    pub fn is_unsettled(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Does what follows from all that was told: for the sets that something happened to. Nobody is
    /// probed unless `may_probe`.
    pub fn settle(&mut self, pace: &mut Pace, cx: &mut Cx, may_probe: bool) {
        if self.may_probe != may_probe {
            self.may_probe = may_probe;
            self.touch_all();
        }
        let mut touched = std::mem::take(&mut self.touched);
        for id in touched.drain(..) {
            self.settle_one(id, pace, cx);
        }
        // The same memory serves the next time.
        touched.append(&mut self.touched);
        self.touched = touched;
    }

    fn settle_one(&mut self, id: SetId, pace: &mut Pace, cx: &mut Cx) {
        let set = &mut self.sets[id.0 as usize];
        std::mem::take(&mut set.abandoned)
            .into_iter()
            .for_each(|flight| cx.abandon(flight));
        if set.is_gone {
            set.is_touched = false;
            if std::mem::take(&mut set.news).is_urgent {
                cx.out.set_changed(id);
            }
            return cx.timers.set(Owner::Set(id.0), &mut set.timer, None);
        }
        self.look_up(id, pace, cx);
        let set = &mut self.sets[id.0 as usize];
        let is_monitored = set.is_monitored();
        for member in set.members.iter_mut().chain(&mut set.strays) {
            let is_new = member.pulse.judge(is_monitored, cx.now, self.rules.limits);
            set.news.is_urgent |= is_new;
        }
        let (is_elected, verdict) = (set.elect(pace), set.judge());
        let is_judged = verdict != set.verdict;
        set.news.is_urgent |= is_elected || is_judged;
        if is_judged {
            set.verdict = verdict;
            self.changes.push_back((id, Change::Verdict));
        }
        self.probe(id, pace, cx);
        self.sets[id.0 as usize].is_touched = false;
        self.tell(id, cx);
    }

    /// Asks for names that are due.
    fn look_up(&mut self, id: SetId, pace: &mut Pace, cx: &mut Cx) {
        let now = cx.now;
        let is_due = |it: &Name| it.due().is_some_and(|due| due <= now);
        if !self.get(id).names.iter().any(is_due) {
            return;
        }
        let mut draw = self.draw(id, cx);
        let set = &mut self.sets[id.0 as usize];
        let refresh = self.rules.dns_refresh;
        let mut asking = self.questions.asking(id, &mut draw, cx, refresh);
        let mut is_new = false;
        for name in set.names.iter_mut().filter(|name| is_due(name)) {
            is_new |= name.run(&mut asking);
        }
        if is_new {
            set.news.is_any = true;
            let changes = set.relist(pace);
            self.take_note(id, changes);
        }
    }

    /// Probes the members that are due.
    fn probe(&mut self, id: SetId, pace: &Pace, cx: &mut Cx) {
        let set = self.get(id);
        let Some(socket) = self.sockets.get(set.socket.0 as usize) else {
            return;
        };
        if socket.local.is_none() || !self.may_probe {
            return;
        }
        let Rules {
            limits,
            registration_time,
            ..
        } = self.rules;
        let all = set.probes(registration_time, limits);
        let due = all.filter(|(_, due)| *due <= cx.now).map(|(id, _)| id);
        let due: Vec<RegistrarId> = due.collect();
        if due.is_empty() {
            return;
        }
        let contact = Arc::clone(&socket.contact);
        for registrar in due {
            let mut draw = self.draw(id, cx);
            let set = &mut self.sets[id.0 as usize];
            let (config, socket) = (Arc::clone(&set.config), set.socket);
            let Some(member) = set.watched_mut(registrar) else {
                continue;
            };
            let target = probe::Target {
                set: id,
                registrar: registrar.number(),
                address: pace.get(registrar).address,
                name: member.name.as_deref(),
                socket,
                contact: &contact,
                user_agent: &self.rules.user_agent,
            };
            probe::send(&config, &target, &mut member.pulse, (&mut draw, cx));
        }
    }

    /// Says that the status is another, at once or soon, and arms the timer.
    fn tell(&mut self, id: SetId, cx: &mut Cx) {
        let may_probe = self.may_probe;
        let is_bound = self
            .socket_of(self.get(id).socket)
            .is_some_and(|it| it.local.is_some());
        let Rules {
            limits,
            registration_time,
            ..
        } = self.rules;
        let set = &mut self.sets[id.0 as usize];
        let told = set.news.told.map(|told| told + TELLING);
        let is_time = told.is_none_or(|told| told <= cx.now);
        if set.news.is_urgent || (set.news.is_any && is_time) {
            cx.out.set_changed(id);
            set.news = News {
                told: Some(cx.now),
                ..News::default()
            };
        }
        let telling = told.filter(|_| set.news.is_any);
        let names = set.names.iter().filter_map(Name::due);
        let members = set.members.iter().chain(&set.strays);
        let turns = members.filter_map(|member| member.pulse.turns());
        let probes = set.probes(registration_time, limits);
        let probes = probes.filter(|_| is_bound && may_probe).map(|(_, due)| due);
        let next = telling
            .into_iter()
            .chain(names)
            .chain(turns)
            .chain(probes)
            .min();
        cx.timers.set(Owner::Set(id.0), &mut set.timer, next);
    }
}
