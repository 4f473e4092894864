//! The Account and its subscription: when it is begun and dropped, who sends for it, and what
//! becomes of the binding when the registrar says that it has changed it (rule R1).

use super::auth::{Asked, Repeats};
use super::regevent::{Form, Next, Notified, Ours, Subscription, Verdict};
use super::request::MARK;
use super::{Account, Attempt, Binding, Errand, Shared, Trouble, Why};
use crate::cx::{Ended, Opening, Party};
use crate::effect::Via;
use crate::pace::RegistrarId;
use crate::rng::Token;
use crate::sip::Message;
use crate::time::{Duration, Instant};

impl Account {
    /// A REGISTER got a 2xx there; `is_new` when there was no binding before.
    pub(super) fn watch(&mut self, registrar: RegistrarId, is_new: bool, shared: &mut Shared) {
        let is_configured = self.config.reg_event_package_subscription;
        let is_there = |watch: &Subscription| watch.registrar() == registrar;
        if !is_configured || !self.watch.as_deref().is_some_and(is_there) {
            self.drop_watch(shared);
        }
        if !is_configured || !self.is_wanted() || !self.is_bound_at(registrar) {
            return;
        }
        let aor = &self.identity.aor;
        let watch = self
            .watch
            .get_or_insert_with(|| Box::new(Subscription::new(self.id, registrar, aor.clone())));
        let next = watch.on_bound(is_new);
        self.go_on_watching(next, shared);
    }

    /// The binding is about to be removed by us.
    pub(super) fn end_watch(&mut self, shared: &mut Shared) {
        if let Some(watch) = &mut self.watch {
            let next = watch.on_unregister(shared.cx.now);
            self.go_on_watching(next, shared);
        }
    }

    /// Forgets the subscription, and says nothing of it.
    pub(super) fn drop_watch(&mut self, shared: &mut Shared) {
        let flight = self.watch.take().and_then(|watch| watch.flight());
        if let Some(flight) = flight {
            shared.cx.abandon(flight);
        }
    }

    /// Its timer went off: perhaps for the subscription.
    pub(super) fn on_watch_timer(&mut self, shared: &mut Shared) {
        if let Some(watch) = &mut self.watch {
            let next = watch.on_timer(shared.cx.now);
            self.go_on_watching(next, shared);
        }
    }

    /// The final answer to a SUBSCRIBE.
    pub fn on_subscribe_answer(
        &mut self,
        ended: &Ended,
        message: &Message<'_>,
        shared: &mut Shared,
    ) {
        let Some(watch) = self.watch.take_if(|it| it.flight() == Some(ended.id)) else {
            return;
        };
        let mut watch = watch;
        let (registrar, code) = (watch.registrar(), message.code().unwrap_or_default());
        let mut asked = Asked {
            repeats: &mut watch.repeats,
            registrar,
            is_subscribe: true,
        };
        let is_answerable = matches!(code, 401 | 407)
            && self
                .take_challenges(code, message, &mut asked, shared)
                .is_ok();
        if code < 300 {
            self.take_info(message, (registrar, watch.uri()), shared);
        }
        let next = if is_answerable {
            watch.on_challenged()
        } else {
            watch.on_answer(code, message, shared.cx.now)
        };
        self.watch = Some(watch);
        self.go_on_watching(next, shared);
        self.rest_port(shared);
    }

    /// A SUBSCRIBE got no answer, or could not be delivered.
    pub fn on_subscribe_silence(&mut self, ended: &Ended, shared: &mut Shared) {
        if let Some(watch) = &mut self.watch
            && watch.flight() == Some(ended.id)
        {
            let next = watch.on_no_answer(shared.cx.now);
            self.go_on_watching(next, shared);
            self.rest_port(shared);
        }
    }

    /// A NOTIFY with a tag of ours. Its answer leaves before [`Account::on_notified`].
    pub fn on_notify(&mut self, message: &Message<'_>, shared: &Shared) -> Option<Notified> {
        let (contact, mark) = (self.contact(shared), Token::of(self.identity.mark));
        let contact = self.our_contact(&contact, &mark).concat();
        let ours = Ours {
            aor: &self.identity.aor,
            contact: &contact,
            mark: (MARK, mark.as_str()),
        };
        let watch = self.watch.as_mut()?;
        Some(watch.on_notify(message, &ours, shared.cx.now))
    }

    /// What a NOTIFY brought, once it is answered.
    pub fn on_notified(&mut self, notified: &Notified, shared: &mut Shared) {
        let is_news = self.is_wanted()
            && self.errand == Errand::Register
            && self
                .watch
                .as_ref()
                .is_some_and(|it| self.is_bound_at(it.registrar()));
        if is_news {
            match notified.verdict {
                Verdict::None | Verdict::StillThere => {}
                Verdict::Shortened { expires } => self.on_shortened(expires, shared),
                Verdict::RegisterAtOnce => self.on_removed("expired or deactivated", None, shared),
                Verdict::RetryAfter(wait) => {
                    let max = shared.rules.retry_after_max_secs;
                    let wait = wait.map(|wait| Duration::from_secs(wait.min(max).into()));
                    let due = shared.cx.now + wait.unwrap_or_else(|| shared.retry());
                    self.on_removed("on probation", Some(due), shared);
                }
                Verdict::RetryLater => {
                    let due = shared.cx.now + shared.retry();
                    self.on_removed("unregistered, and not by us", Some(due), shared);
                }
                Verdict::Rejected => {
                    self.failures = self.failures.saturating_add(1);
                    let due = self.retry_due(false, shared);
                    self.on_removed("rejected", Some(due), shared);
                }
            }
        }
        self.go_on_watching(notified.next, shared);
    }

    /// The registrar has cut the binding short: as if it had granted so much (rule L1).
    fn on_shortened(&mut self, expires: u32, shared: &mut Shared) {
        let Binding::Bound(mut bound) = self.binding else {
            return;
        };
        bound.until = shared.cx.now + Duration::from_secs(expires.into());
        bound.granted = expires;
        let mut attempt = self.attempt;
        if let Attempt::Scheduled {
            due,
            why: Why::Refresh,
        } = &mut attempt
        {
            *due = self.refresh_due(bound.registrar, expires, shared);
        }
        self.go(Binding::Bound(bound), attempt, shared, String::new);
    }

    /// The registrar has removed the binding. A REGISTER under way goes on; else the next one is
    /// due then, or at once.
    fn on_removed(&mut self, how: &'static str, due: Option<Instant>, shared: &mut Shared) {
        let now = shared.cx.now;
        let trouble = Trouble::Removed(how);
        let text = trouble.text();
        self.trouble = Some(trouble);
        let is_waiting = matches!(self.attempt, Attempt::Scheduled { .. } | Attempt::Idle);
        let attempt = match due {
            Some(due) if is_waiting => Attempt::Scheduled {
                due: self.hold_end(due, shared).unwrap_or(due),
                why: Why::Retry,
            },
            _ => self.attempt,
        };
        self.identity.random_user = None;
        self.go(Binding::None, attempt, shared, || text);
        if is_waiting && due.is_none() {
            self.begin(Errand::Register, now, shared);
        }
    }

    fn go_on_watching(&mut self, next: Next, shared: &mut Shared) {
        match next {
            Next::Wait => self.arm(shared),
            Next::Send => self.subscribe(shared),
        }
    }

    /// Sends the SUBSCRIBE that is due to the registrar that is watched, like all that concerns the
    /// binding (rule S3), from where a REGISTER leaves.
    fn subscribe(&mut self, shared: &mut Shared) {
        let Some(wire) = self.wire() else {
            return;
        };
        let Some(mut watch) = self.watch.take() else {
            return;
        };
        let registrar = watch.registrar();
        let to = shared.pace.get(registrar).address;
        let mut draw = shared.cx.draw(self.id, &mut self.identity.draws);
        let branch = shared.cx.transactions.reserve(draw.number());
        let request = watch.next_request(shared.cx.now, &mut draw);
        if watch.repeats == Repeats::default() {
            self.forget_freshness();
        }
        let what = ("SUBSCRIBE", &*request.uri);
        let credentials = self.credentials_for(registrar, what, &mut draw);
        let (local, mark) = (self.contact(shared), Token::of(self.identity.mark));
        let contact = self.our_contact(&local, &mark).concat();
        let branch_text = branch.text();
        let mut out = std::mem::take(&mut shared.cx.scratch);
        out.clear();
        let form = Form {
            branch: branch_text.as_str(),
            local: &local,
            contact: &contact,
            service_route: self.route.as_ref().map_or(&[], |it| &it.service_route),
            credentials: &credentials,
            user_agent: &shared.user_agent,
        };
        watch.write(&request, &form, &mut out);
        shared.cx.scratch = out;
        watch.on_sent(branch.id);
        self.watch = Some(watch);
        let opening = Opening {
            via: Via::Socket(wire),
            to,
            party: Party::Subscription(self.id),
            method: "SUBSCRIBE",
            max_sends: u8::MAX,
        };
        shared.cx.open(&branch, opening);
        self.arm(shared);
    }
}
