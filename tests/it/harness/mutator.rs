//! Odd texts, made of a corpus.

use std::fs;
use std::path::Path;

/// What is put into a text to make it odd.
pub(crate) type Tokens = &'static [&'static [u8]];

/// Makes odd texts of a corpus: always the same ones for a seed.
pub(crate) struct Mutator {
    /// To be shown when something fails.
    pub(crate) seed: u64,
    state: u64,
    seeds: Vec<Vec<u8>>,
    tokens: Tokens,
}

impl Mutator {
    /// Of the files in this folder.
    pub(crate) fn new(seed: u64, folder: &str, tokens: Tokens) -> Result<Self, String> {
        let seeds = corpus(folder)?.into_iter().map(|(_, bytes)| bytes);
        Ok(Self {
            seed,
            state: seed,
            // The very long ones would cost most of the time.
            seeds: seeds.filter(|bytes| bytes.len() < 2_000).collect(),
            tokens,
        })
    }

    /// Xorshift, as by Marsaglia.
    fn random(&mut self) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap_or_default()
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random() % bound.max(1)
    }

    /// Another one, with one to four changes.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let seed = self.below(self.seeds.len());
        let mut bytes = self.seeds[seed].clone();
        for _ in 0..=self.below(3) {
            self.mutate(&mut bytes);
        }
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(24)).min(bytes.len());
        match self.below(16) {
            0..=3 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            4 | 5 => drop(bytes.drain(at..end)),
            6 | 7 => {
                let copy = bytes[at..end].to_vec();
                let place = self.below(bytes.len() + 1);
                bytes.splice(place..place, copy);
            }
            8 | 9 => {
                let other = self.below(self.seeds.len());
                let other = self.seeds[other].clone();
                let from = self.below(other.len());
                let to = (from + self.below(64)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            10 => bytes.truncate(at),
            _ => {
                let token = self.tokens[self.below(self.tokens.len())];
                bytes.splice(at..at, token.iter().copied());
            }
        }
    }
}

/// The files of a folder, by name without extension.
pub(crate) fn corpus(folder: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let fault = |error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !name.starts_with('.') {
            files.push((name, fs::read(&path).map_err(fault)?));
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("{} is empty", folder.display()));
    }
    Ok(files)
}

/// What parsers of SIP trip over.
pub(crate) const SIP: Tokens = &[
    b",",
    b";",
    b"\"",
    b"<",
    b">",
    b"\\",
    b"\r\n",
    b"\r\n ",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b"%",
    b"[",
    b"]",
    b"@",
    b"=",
    b"*",
    b"(",
    b")",
    b"/",
    b"?",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"%41",
    b"sip:",
    b"0",
    b"4294967296",
    b";tag=",
    b";expires=",
    b"l: 0\r\n",
    b"Contact: *\r\n",
    b"\r\n\r\n",
    b"SIP/2.0",
];
