//! Hostile input, without a fuzzer: what it found once, and what a seeded generator makes of that.
//!
//! Messages, URIs and streams are mutated in `sip_oracles`; here it is challenges and
//! configurations.

use std::iter;
use std::panic::catch_unwind;
use std::sync::Arc;

use libtest_mimic::Trial;
use regent::config::fuzz::{fuzz_config, fuzz_import};
use regent::config::{self, Config};
use regent::effect::{Input, Output};
use regent::engine::{Engine, Settings};
use regent::rng::Seed;
use regent::sip::fuzz::{fuzz_challenge, fuzz_framing, fuzz_message, fuzz_reginfo, fuzz_uri};
use regent::time::Instant;

use crate::harness::{Mutator, Tokens, corpus};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_fuzz_corpus_breaks_nothing,
        mutated_challenges_break_nothing,
        mutated_configurations_break_nothing,
    ]
}

type Verdict = Result<(), String>;
type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 7] = [
    ("challenge", fuzz_challenge),
    ("config", fuzz_config),
    ("framing", fuzz_framing),
    ("import", fuzz_import),
    ("message", fuzz_message),
    ("reginfo", fuzz_reginfo),
    ("uri", fuzz_uri),
];

fn the_fuzz_corpus_breaks_nothing() -> Verdict {
    for (name, target) in TARGETS {
        let folder = format!("fuzz/corpus/{name}");
        for (name, bytes) in corpus(&folder)? {
            if catch_unwind(|| target(&bytes)).is_err() {
                return Err(format!("{folder}/{name}"));
            }
        }
    }
    Ok(())
}

// rule A2
fn mutated_challenges_break_nothing() -> Verdict {
    let mut mutator = Mutator::new(0x5eed_0004, "fuzz/corpus/challenge", CHALLENGE)?;
    for round in 0..10_000 {
        survives(round, &mut mutator, fuzz_challenge)?;
    }
    Ok(())
}

/// Those that are good start an engine too.
fn mutated_configurations_break_nothing() -> Verdict {
    let mut mutator = Mutator::new(0x5eed_0005, "fuzz/corpus/config", CONFIG)?;
    let mut good = 0;
    for round in 0..4_000 {
        let bytes = survives(round, &mut mutator, fuzz_config)?;
        let Ok(text) = str::from_utf8(&bytes) else {
            continue;
        };
        let Some(config) = config::load("mutant.toml", text).config else {
            continue;
        };
        good += 1;
        if catch_unwind(|| start(config)).is_err() {
            return Err(format!("round {round} starts no engine:\n{text}"));
        }
    }
    // So that the mutations stay mild enough for that.
    match good {
        0..100 => Err(format!("only {good} were good")),
        _ => Ok(()),
    }
}

/// Applies a target to the next mutant, and returns that.
fn survives(round: u32, mutator: &mut Mutator, target: Target) -> Result<Vec<u8>, String> {
    let bytes = mutator.next();
    if catch_unwind(|| target(&bytes)).is_err() {
        let text = bytes.escape_ascii();
        return Err(format!("seed {:#x}, round {round}:\n{text}", mutator.seed));
    }
    Ok(bytes)
}

/// An engine's first minute with this configuration, before registrars that say nothing.
fn start(config: Config) {
    let settings = Settings {
        seed: Seed::from_number(1),
        unix_ms_at_zero: 0,
        store: false,
    };
    let mut engine = Engine::new(Arc::new(config), settings);
    let mut now = Instant::ZERO;
    for _ in 0..200 {
        engine.handle(now, Input::Tick);
        let outputs: Vec<Output> = iter::from_fn(|| engine.poll()).collect();
        for output in outputs {
            if let Output::Listen { socket, local } = output {
                let listening = Input::Listening {
                    socket,
                    local,
                    receive_buffer: 1 << 20,
                };
                engine.handle(now, listening);
                while engine.poll().is_some() {}
            }
        }
        match engine.deadline() {
            Some(at) if at < Instant::from_secs(60) => now = now.max(at),
            Some(_) | None => return,
        }
    }
}

/// What readers of challenges trip over.
const CHALLENGE: Tokens = &[
    b"\"",
    b"\\",
    b",",
    b"=",
    b" ",
    b"\t",
    b"\r\n ",
    b"\n",
    b"\0",
    b"\x7f",
    b"\xff",
    b"\xc3\xa9",
    b"Digest ",
    b"Basic ",
    b"nonce=",
    b"nonce=\"\"",
    b"realm=\"",
    b"qop=auth-int,",
    b"qop=\"auth\"",
    b"algorithm=",
    b"SHA-256-sess",
    b"-sess",
    b"opaque=\"\"",
    b"stale=true",
    b"userhash=true",
    b"nextnonce=",
    b"rspauth=",
    b"nc=ffffffff",
];

/// What readers of configurations trip over.
const CONFIG: Tokens = &[
    b"\"",
    b"'",
    b"\"\"\"",
    b"\\",
    b"\\u0000",
    b"\\n",
    b",",
    b"=",
    b".",
    b"#",
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"\0",
    b"\x7f",
    b"\xff",
    b"\xc3\xa9",
    b"[",
    b"]",
    b"[[",
    b"]]",
    b"{",
    b"}",
    b"-",
    b"0",
    b"1e9",
    b"nan",
    b"true",
    b"4294967296",
    b"99999999999999999999",
    b"1979-05-27",
    b"[agent]\n",
    b"[registration]\n",
    b"[[account]]\n",
    b"[[ip_group]]\n",
    b"[[proxy_set]]\n",
    b"[[sip_interface]]\n",
    b"name = \"",
    b"address = \"::\"\n",
    b"password_file = \"x\"\n",
    b"register = ",
    b"index = 0\n",
];
