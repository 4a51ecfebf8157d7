//! Sequence numbers into lost packets, exactly, for each group.
//!
//! With `NFULNL_CFG_F_SEQ` the kernel numbers a group's packets from 0 on, those too that it then drops for want of
//! socket buffer. So a gap in the numbers is a loss, and its width is the number of packets lost
//! (`__build_packet_message`, nfnetlink_log.c).

/// What was lost of each group of a capture.
pub struct Losses {
    /// Ascending by group.
    groups: Vec<Group>,
    /// The index of the group that the last packet came from: the next one is likely of the same.
    latest: usize,
    total: u64,
}

#[derive(Clone, Copy)]
struct Group {
    number: u16,
    /// The sequence number of the next packet if none is lost.
    expected: u32,
    lost: u64,
}

impl Losses {
    /// A fresh count for `groups`, ascending, whose first packet the kernel numbers 0.
    pub fn new(groups: impl Iterator<Item = u16>) -> Self {
        let groups = groups.map(|number| Group { number, expected: 0, lost: 0 }).collect();
        Losses { groups, latest: 0, total: 0 }
    }

    /// Takes note that a packet of `group` has come with number `sequence`; returns how many were lost before it.
    #[inline]
    pub fn note(&mut self, group: u16, sequence: u32) -> u32 {
        if self.groups.get(self.latest).is_none_or(|latest| latest.number != group) {
            match self.groups.binary_search_by_key(&group, |known| known.number) {
                Ok(index) => self.latest = index,
                // Not a group that was asked for: the kernel sends none such, and nothing is known of its numbers.
                Err(_) => return 0,
            }
        }
        let group = &mut self.groups[self.latest];
        let lost = sequence.wrapping_sub(group.expected);
        group.expected = sequence.wrapping_add(1);
        if lost != 0 {
            group.lost += u64::from(lost);
            self.total += u64::from(lost);
        }
        lost
    }

    /// Packets lost, of all groups.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Packets lost of one group; `None` where the capture does not read it.
    pub fn of_group(&self, group: u16) -> Option<u64> {
        let index = self.groups.binary_search_by_key(&group, |known| known.number).ok()?;
        Some(self.groups[index].lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_its_width_and_no_gap_is_nothing() {
        let mut losses = Losses::new([5].into_iter());
        assert_eq!(losses.note(5, 0), 0);
        assert_eq!(losses.note(5, 1), 0);
        assert_eq!(losses.note(5, 10), 8);
        assert_eq!((losses.total(), losses.of_group(5)), (8, Some(8)));
    }

    #[test]
    fn what_is_lost_before_the_first_packet_counts() {
        let mut losses = Losses::new([5].into_iter());
        assert_eq!(losses.note(5, 100), 100);
    }

    #[test]
    fn groups_are_counted_apart() {
        let mut losses = Losses::new([1, 5, 9].into_iter());
        for sequence in 0..10 {
            losses.note(1, sequence);
            losses.note(9, sequence * 2);
        }
        assert_eq!((losses.of_group(1), losses.of_group(5), losses.of_group(9)), (Some(0), Some(0), Some(9)));
        assert_eq!(losses.of_group(2), None);
        assert_eq!(losses.total(), 9);
    }

    #[test]
    fn the_counter_may_wrap_around() {
        let mut losses = Losses::new([5].into_iter());
        losses.note(5, u32::MAX - 2);
        let before = losses.total();
        assert_eq!(losses.note(5, u32::MAX - 1), 0);
        assert_eq!(losses.note(5, 1), 2);
        assert_eq!(losses.total() - before, 2);
    }

    #[test]
    fn a_group_that_was_not_asked_for_is_left_alone() {
        let mut losses = Losses::new([5].into_iter());
        assert_eq!(losses.note(6, 1000), 0);
        assert_eq!(losses.note(5, 0), 0);
        assert_eq!(losses.total(), 0);
    }
}
