//! Places that were visited, as a browser keeps them.

/// More places than this are forgotten, the oldest first.
const LIMIT: usize = 256;

/// The places before the present one, and those after it that were gone back from.
#[derive(Debug, Clone)]
pub struct History<T> {
    before: Vec<T>,
    after: Vec<T>,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { before: Vec::new(), after: Vec::new() }
    }
}

impl<T: PartialEq> History<T> {
    /// Leaves `place` for a new one. What was gone back from is forgotten.
    pub fn leave(&mut self, place: T) {
        self.after.clear();
        if self.before.last() != Some(&place) {
            self.before.push(place);
        }
        if self.before.len() > LIMIT {
            self.before.remove(0);
        }
    }

    /// Goes back from `present`; `None` at the first place.
    pub fn back(&mut self, present: T) -> Option<T> {
        let place = self.before.pop()?;
        self.after.push(present);
        Some(place)
    }

    /// Goes forward from `present`; `None` at the last place.
    pub fn forward(&mut self, present: T) -> Option<T> {
        let place = self.after.pop()?;
        self.before.push(present);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_forward_and_a_new_branch() {
        let mut history = History::default();
        history.leave(1);
        history.leave(2);
        history.leave(2);
        assert_eq!(history.back(3), Some(2));
        assert_eq!(history.back(2), Some(1));
        assert_eq!(history.back(1), None);
        assert_eq!(history.forward(1), Some(2));
        assert_eq!(history.forward(2), Some(3));
        assert_eq!(history.forward(3), None);
        assert_eq!(history.back(3), Some(2));
        history.leave(2);
        assert_eq!(history.forward(9), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut history = History::default();
        (0..10_000).for_each(|place| history.leave(place));
        assert_eq!(history.before.len(), LIMIT);
        assert_eq!(history.back(0), Some(9_999));
    }
}
