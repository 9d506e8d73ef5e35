//! Lists that may be long: the first entries, and the count of all.
#![forbid(unsafe_code)]

/// How many entries are kept.
pub const KEPT: usize = 1000;

/// The first [`KEPT`] entries of a list, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capped<T> {
    list: Vec<T>,
    count: u64,
}

impl<T> Default for Capped<T> {
    fn default() -> Self {
        Self { list: Vec::new(), count: 0 }
    }
}

impl<T> Capped<T> {
    /// Adds an entry; beyond the limit it is only counted, and `make` is not called.
    pub fn add(&mut self, make: impl FnOnce() -> T) {
        self.count = self.count.saturating_add(1);
        if self.list.len() < KEPT {
            self.list.push(make());
        }
    }

    /// Adds an entry that is already made.
    pub fn push(&mut self, entry: T) {
        self.add(|| entry);
    }

    /// The entries kept.
    pub fn list(&self) -> &[T] {
        &self.list
    }

    /// Changes the entries kept.
    pub fn list_mut(&mut self) -> &mut [T] {
        &mut self.list
    }

    /// How many there are, kept or not.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many there are beyond those kept.
    pub fn omitted(&self) -> u64 {
        self.count.saturating_sub(self.list.len() as u64)
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<T> FromIterator<T> for Capped<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let mut capped = Self::default();
        entries.into_iter().for_each(|entry| capped.push(entry));
        capped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_beyond_the_limit_are_counted() {
        let capped: Capped<u32> = (0..1003).collect();
        assert_eq!((capped.list().len(), capped.count(), capped.omitted()), (1000, 1003, 3));
        assert!(!capped.is_empty() && Capped::<u8>::default().is_empty());
    }
}
