//! What an invocation may be given so that it goes as another one went: the seed of its random numbers, and its clock.

use std::convert::Infallible;
use std::time::SystemTime;
use wasmtime_wasi::WasiCtxBuilder;

/// What an invocation may be given so that it goes as another one went. Nothing by default: random numbers that nobody can guess, and
/// the clock of [`Settings::time`](crate::Settings::time).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// What the guest's random numbers are made of, if its instance is a new one. The same seed gives the same numbers, to whoever knows
    /// it.
    pub seed: Option<u64>,
    /// What the guest's wall clock says when the invocation begins, if the guest lives in the executor's time.
    pub clock: Option<SystemTime>,
}

/// Has the guest's random numbers, of whatever interface, come from a seed.
pub(crate) fn seed(wasi: &mut WasiCtxBuilder, seed: u64) {
    let mut numbers = SplitMix(seed);
    let mut two = || u128::from(numbers.next()) << 64 | u128::from(numbers.next());
    wasi.insecure_random_seed(two());
    let (secure, insecure) = (two() as u64, two() as u64);
    wasi.secure_random(SplitMix(secure)).insecure_random(SplitMix(insecure));
}

/// SplitMix64 (Steele, Lea and Flood, 2014): eight lines, and good enough for numbers that are to be repeated, not to be kept secret.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl rand_core::TryRng for SplitMix {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_le_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::TryRng as _;

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // The first ones of the reference implementation (Vigna's splitmix64.c) for the seed 1234567.
        let mut numbers = SplitMix(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([(); 3].map(|()| numbers.next()), expected);
    }

    #[test]
    fn bytes_of_any_number_are_filled() {
        let mut bytes = [0; 11];
        let Ok(()) = SplitMix(1_234_567).try_fill_bytes(&mut bytes);
        let expected = 6_457_827_717_110_365_317_u64.to_le_bytes();
        assert_eq!(bytes[..8], expected);
        assert_eq!(bytes[8..], 3_203_168_211_198_807_973_u64.to_le_bytes()[..3]);
    }
}
