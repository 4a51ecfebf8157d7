//! The groups of a capture, for what is kept apart for each: a group's number into its index.

/// The kernel keeps its groups in so many lists (`INSTANCE_BUCKETS`, nfnetlink_log.c), by the number's remainder.
const LISTS: u16 = 16;

/// The order in which to bind groups, given ascending: list by list, and in each the highest first.
///
/// The kernel walks a list to its end, twice, for each group that it binds. Groups that are bound one after the other are
/// next to each other in memory: so the walk is four to eight times as fast where there are tens of thousands. A group
/// that was bound last is found first when a packet is logged to it, and rules mostly log to low numbers.
pub fn in_binding_order(groups: impl Iterator<Item = u16>) -> Vec<u16> {
    let mut groups: Vec<u16> = groups.collect();
    groups.sort_unstable_by_key(|&group| (group % LISTS, u16::MAX - group));
    groups
}

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
    fn groups_of_one_list_are_bound_one_after_the_other_and_the_lowest_last() {
        assert_eq!(in_binding_order([1, 2, 16, 17, 32].into_iter()), [32, 16, 17, 1, 2]);
    }

    #[test]
    fn each_group_has_its_index_and_others_have_none() {
        let mut groups = Groups::new([1, 5, 9].into_iter());
        assert_eq!(groups.len(), 3);
        for (group, index) in [(5, Some(1)), (5, Some(1)), (1, Some(0)), (2, None), (9, Some(2)), (9, Some(2))] {
            assert_eq!(groups.index(group), index, "group {group}");
        }
    }
}
