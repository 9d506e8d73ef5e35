//! What was used last, within a budget: blocks that were decoded, pages that were read.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A map that forgets what was not used for longest. Each value has a weight, and all together weigh no more than the
/// budget.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    budget: u64,
    total: u64,
    values: HashMap<K, Entry<V>>,
    /// Keys by when they were used last.
    by_use: BTreeMap<u64, K>,
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    weight: u64,
    used: u64,
}

impl<K: Copy + Eq + Hash, V: Clone> Recent<K, V> {
    pub(crate) fn new(budget: u64) -> Self {
        Self { budget, total: 0, values: HashMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    /// What is kept under that key, which is thereby used.
    pub(crate) fn get(&mut self, key: K) -> Option<V> {
        let entry = self.values.get_mut(&key)?;
        self.uses += 1;
        self.by_use.remove(&entry.used);
        self.by_use.insert(self.uses, key);
        entry.used = self.uses;
        Some(entry.value.clone())
    }

    /// Keeps a value, unless it alone is over the budget.
    pub(crate) fn put(&mut self, key: K, value: V, weight: u64) {
        if weight > self.budget {
            return;
        }
        self.uses += 1;
        self.by_use.insert(self.uses, key);
        self.total = self.total.saturating_add(weight);
        if let Some(replaced) = self.values.insert(key, Entry { value, weight, used: self.uses }) {
            self.by_use.remove(&replaced.used);
            self.total = self.total.saturating_sub(replaced.weight);
        }
        while self.total > self.budget {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.total = self.total.saturating_sub(self.values.remove(&oldest).map_or(0, |entry| entry.weight));
        }
    }

    /// What all values weigh.
    #[cfg(test)]
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first_and_the_budget_holds() {
        let mut recent = Recent::new(30);
        let mut misses = Vec::new();
        for key in [0, 1, 2, 0, 3, 0, 1] {
            if recent.get(key) != Some(key * 7) {
                misses.push(key);
                recent.put(key, key * 7, 10);
            }
        }
        assert_eq!((misses, recent.total), (vec![0, 1, 2, 3, 1], 30));
        recent.put(1, 0, 20);
        assert_eq!((recent.get(1), recent.total, recent.values.len()), (Some(0), 30, 2), "another value for the key");
        recent.put(9, 0, 31);
        assert_eq!((recent.get(9), recent.total), (None, 30));
    }
}
