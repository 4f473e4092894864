//! A map that finds and cannot be walked: the only place in the core where a hash map is allowed.
//!
//! The order of a hash map is chance that no seed controls; since nobody can iterate an [`Index`],
//! it cannot leak into what the engine does.
#![forbid(clippy::disallowed_methods)]
#![deny(clippy::disallowed_types)]

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};

/// Finds values by key. The hash is seeded, so that keys from outside cannot be chosen to collide.
pub struct Index<K, V> {
    #[allow(
        clippy::disallowed_types,
        reason = "it cannot be iterated from outside"
    )]
    map: std::collections::HashMap<K, V, Seeded>,
}

#[derive(Clone, Copy)]
struct Seeded(u64);

impl BuildHasher for Seeded {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}

impl<K: Hash + Eq, V> Index<K, V> {
    /// An empty index with this seed.
    pub fn new(seed: u64) -> Self {
        #[allow(clippy::disallowed_types, reason = "as above")]
        let map = std::collections::HashMap::with_hasher(Seeded(seed));
        Self { map }
    }

    /// Makes room for so many more keys at once.
    pub fn reserve(&mut self, more: usize) {
        self.map.reserve(more);
    }

    /// Sets the value of a key; returns the one before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.map.insert(key, value)
    }

    /// The value of a key.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.map.get(key)
    }

    /// Takes a key out.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.map.remove(key)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
}

impl<K, V> fmt::Debug for Index<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({} keys)", self.map.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_until_it_is_taken_out() {
        let mut index = Index::new(1);
        assert_eq!(index.insert("a".to_owned(), 1), None);
        assert_eq!(index.get("a"), Some(&1));
        assert_eq!(index.remove("a"), Some(1));
        assert!(index.get("a").is_none() && index.is_empty());
    }
}
