//! Sequence numbers into lost packets, exactly, for each group.
//!
//! With `NFULNL_CFG_F_SEQ` the kernel numbers a group's packets from 0 on, those too that it then drops for want of
//! socket buffer. So a gap in the numbers is a loss, and its width is the number of packets lost
//! (`__build_packet_message`, nfnetlink_log.c). What is lost after the last packet received shows no gap: only the
//! socket's count of dropped datagrams tells of it.

/// What was lost of each group of a capture.
pub struct Losses {
    groups: Vec<Group>,
    total: u64,
}

#[derive(Clone, Copy, Default)]
struct Group {
    /// The sequence number of the next packet if none is lost. The kernel begins at 0.
    expected: u32,
    lost: u64,
}

impl Losses {
    /// A fresh count for so many groups.
    pub fn new(groups: usize) -> Self {
        Losses { groups: vec![Group::default(); groups], total: 0 }
    }

    /// Takes note that the packet with number `sequence` of the group at `index` has come; returns how many were lost
    /// before it.
    #[inline]
    pub fn note(&mut self, index: usize, sequence: u32) -> u32 {
        let Some(group) = self.groups.get_mut(index) else { return 0 };
        let lost = sequence.wrapping_sub(group.expected);
        group.expected = sequence.wrapping_add(1);
        if lost != 0 {
            group.lost += u64::from(lost);
            self.total += u64::from(lost);
        }
        lost
    }

    /// Takes note of the packet with number `sequence` if none was lost before it, and says so.
    #[inline]
    pub fn follows(&mut self, index: usize, sequence: u32) -> bool {
        let Some(group) = self.groups.get_mut(index).filter(|group| group.expected == sequence) else { return false };
        group.expected = sequence.wrapping_add(1);
        true
    }

    /// Packets lost, of all groups.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Packets lost of the group at `index`.
    pub fn of_group(&self, index: usize) -> Option<u64> {
        self.groups.get(index).map(|group| group.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_its_width_and_no_gap_is_nothing() {
        let mut losses = Losses::new(1);
        assert_eq!(losses.note(0, 0), 0);
        assert_eq!(losses.note(0, 1), 0);
        assert_eq!(losses.note(0, 10), 8);
        assert_eq!((losses.total(), losses.of_group(0)), (8, Some(8)));
    }

    #[test]
    fn what_is_lost_before_the_first_packet_counts() {
        assert_eq!(Losses::new(1).note(0, 100), 100);
    }

    #[test]
    fn groups_are_counted_apart() {
        let mut losses = Losses::new(3);
        for sequence in 0..10 {
            losses.note(0, sequence);
            losses.note(2, sequence * 2);
        }
        assert_eq!((losses.of_group(0), losses.of_group(1), losses.of_group(2)), (Some(0), Some(0), Some(9)));
        assert_eq!(losses.of_group(3), None);
        assert_eq!(losses.total(), 9);
    }

    #[test]
    fn the_counter_may_wrap_around() {
        let mut losses = Losses::new(1);
        losses.note(0, u32::MAX - 2);
        let before = losses.total();
        assert_eq!(losses.note(0, u32::MAX - 1), 0);
        assert_eq!(losses.note(0, 1), 2);
        assert_eq!(losses.total() - before, 2);
    }
}
