//! Random numbers that a seed repeats (xorshift64*, George Marsaglia and Sebastiano Vigna).

pub struct Random(u64);

impl Random {
    /// From `PCAP_NFLOG_SEED`, or a seed that is always the same. It is printed: a failed test shows it.
    pub fn new() -> Random {
        let given = std::env::var("PCAP_NFLOG_SEED").ok();
        let seed = given.map_or(0x6e66_6c6f_6735, |seed| seed.parse().expect("PCAP_NFLOG_SEED is a number"));
        println!("PCAP_NFLOG_SEED={seed}");
        Random(seed | 1)
    }

    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.next()) * bound as u64) >> 32) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
