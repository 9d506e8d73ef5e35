//! Lists that may be long: the first entries, and the count of all.

/// How many entries are kept.
pub const LISTED: usize = 1000;

/// The first [`LISTED`] entries of a list, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    list: Vec<T>,
    count: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { list: Vec::new(), count: 0 }
    }
}

impl<T> Listed<T> {
    /// Adds an entry; beyond the limit it is only counted, and `make` is not called.
    pub fn add(&mut self, make: impl FnOnce() -> T) {
        self.count = self.count.saturating_add(1);
        if self.list.len() < LISTED {
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

impl<T> FromIterator<T> for Listed<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let mut listed = Self::default();
        entries.into_iter().for_each(|entry| listed.push(entry));
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_beyond_the_limit_are_counted() {
        let listed: Listed<u32> = (0..1003).collect();
        assert_eq!((listed.list().len(), listed.count(), listed.omitted()), (1000, 1003, 3));
        assert!(!listed.is_empty() && Listed::<u8>::default().is_empty());
    }
}
