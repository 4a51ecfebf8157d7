//! The groups of a capture, for what is kept apart for each: a group's number into its index.

/// The groups of a capture, ascending.
pub struct Groups {
    numbers: Vec<u16>,
    /// The index of the group that the last packet came from: the next one is likely of the same.
    latest: usize,
}

impl Groups {
    /// Of `numbers`, ascending, each once.
    pub fn new(numbers: impl Iterator<Item = u16>) -> Self {
        Groups { numbers: numbers.collect(), latest: 0 }
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The index of `group`; `None` where the capture does not read it.
    #[inline]
    pub fn index(&mut self, group: u16) -> Option<usize> {
        if self.numbers.get(self.latest) != Some(&group) {
            self.latest = self.find(group)?;
        }
        Some(self.latest)
    }

    /// As [`Groups::index`], without taking note.
    pub fn find(&self, group: u16) -> Option<usize> {
        self.numbers.binary_search(&group).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_its_index_and_others_have_none() {
        let mut groups = Groups::new([1, 5, 9].into_iter());
        assert_eq!(groups.len(), 3);
        for (group, index) in [(5, Some(1)), (5, Some(1)), (1, Some(0)), (2, None), (9, Some(2)), (9, Some(2))] {
            assert_eq!(groups.index(group), index, "group {group}");
        }
    }
}
