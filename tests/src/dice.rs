//! Dice that fall the same way again for the same seed.

use std::hash::{BuildHasher, Hasher, RandomState};

/// SplitMix64: enough luck for tests, and the same on every machine and in every version.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of that seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, and not including, `bound`.
    ///
    /// # Panics
    /// When the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % bound as u64).expect("it is below a usize")
    }

    /// One of the choices.
    ///
    /// # Panics
    /// When there are none.
    pub fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let at = self.below(choices.len());
        &choices[at]
    }
}

/// The seed of this run: what `TEAHOUSE_TEST_SEED` says, else a new one. It is written down, to be seen where the test fails.
///
/// # Panics
/// When what is said is no number.
#[must_use]
pub fn seed() -> u64 {
    let seed = match std::env::var("TEAHOUSE_TEST_SEED") {
        Ok(seed) => seed.parse().expect("TEAHOUSE_TEST_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    println!("TEAHOUSE_TEST_SEED={seed}");
    seed
}
