//! Other configurations in the middle of it all, of every kind.

use std::net::SocketAddr;

use regent::config::{Ports, PortsMode, Register, SearchMode};
use regent::rng::{Draw, Seed};
use regent::sim::{LOCAL, Setup};

use super::Play;
use super::plan::{self, ALL_PORTS, REGISTRARS};

impl Play {
    /// Another configuration is in force.
    pub(super) fn reload(&mut self, nth: usize, chance: u64) {
        let mut draw = Seed::from_number(chance).draw(2, 0);
        for _ in 0..=draw.below(2) {
            let setup = self.setup.clone();
            self.setup = self.another(setup, nth, &mut draw);
        }
        self.world.reload(self.setup.clone());
    }

    fn another(&mut self, setup: Setup, nth: usize, draw: &mut Draw) -> Setup {
        let name = self.names[nth].clone();
        let number = draw.below(4);
        match draw.below(11) {
            0 => setup.set(plan::set(draw)),
            1 => setup.set(move |set| set.name = format!("{}~{number}", set.name).into()),
            2 => self.other_modes(setup, nth, draw),
            3 => self.other_register(setup, nth, draw),
            4 => setup.change(&name, |it| {
                it.groups(None, Some(&format!("group {number}")))
            }),
            5 => self.other_port(setup, nth, draw),
            6 => {
                let address = (number > 1).then(|| [203, 0, 113, number as u8].into());
                setup.interface(move |it| it.advertised_address = address)
            }
            7 => {
                let port = LOCAL.port() + number as u16;
                setup.interface(move |it| it.udp_port = port)
            }
            8 => other_range(setup, draw),
            9 => {
                let first = REGISTRARS[draw.below(3) as usize];
                let second = REGISTRARS[draw.below(3) as usize];
                setup.change(&name, move |it| with_members(it.at(first), first, second))
            }
            _ => setup.registration(|it| {
                it.registration_time_secs = [30, 60, 180, 3_600][number as usize];
                it.refresh_percent = 50 + draw.below(51) as u8;
                it.use_random_user = number == 0;
            }),
        }
    }

    fn other_modes(&mut self, setup: Setup, nth: usize, draw: &mut Draw) -> Setup {
        let (stickiness, search) = plan::modes(draw);
        self.accounts[nth].is_avoiding = search == SearchMode::Avoid;
        self.options(setup, nth, move |it| {
            it.registrar_stickiness = stickiness;
            it.registrar_search_mode = search;
        })
    }

    fn other_register(&mut self, setup: Setup, nth: usize, draw: &mut Draw) -> Setup {
        if !self.accounts[nth].is_right {
            return setup;
        }
        let register = [Register::No, Register::Regular, Register::Gin][draw.below(3) as usize];
        self.accounts[nth].has_port = false;
        self.options(setup, nth, move |it| {
            it.register = register;
            it.udp_port_assignment = false;
        })
    }

    fn other_port(&mut self, setup: Setup, nth: usize, draw: &mut Draw) -> Setup {
        let has_port = draw.below(2) == 0;
        self.accounts[nth].has_port = has_port;
        self.options(setup, nth, move |it| {
            it.udp_port_assignment = has_port && it.register != Register::No;
        })
    }

    /// The options of an Account are others, also when it is there again after it was removed.
    fn options(
        &mut self,
        setup: Setup,
        nth: usize,
        change: impl Fn(&mut regent::config::Account) + Clone + Send + Sync + 'static,
    ) -> Setup {
        let planned = &mut self.accounts[nth];
        planned.account = planned.account.clone().options(change.clone());
        setup.change(&planned.name, |it| it.options(change.clone()))
    }
}

fn with_members(
    account: regent::sim::AccountSetup,
    first: SocketAddr,
    second: SocketAddr,
) -> regent::sim::AccountSetup {
    match first == second {
        true => account,
        false => account.or_at(second),
    }
}

fn other_range(setup: Setup, draw: &mut Draw) -> Setup {
    let first = ALL_PORTS.start() + draw.below(3) as u16;
    let last = first + draw.below(4) as u16;
    let last = last.min(*ALL_PORTS.end());
    let mode = [PortsMode::AlwaysOpen, PortsMode::OpenWhenUsed][draw.below(2) as usize];
    setup.interface(move |it| {
        it.additional_udp_ports = Some(Ports { first, last });
        it.additional_udp_ports_mode = mode;
    })
}
