//! Which part of a file a caller asks for: `range` of RFC 9110, section 14.

/// What of a file is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ranges {
    /// All of it. Also for several parts at once and for what is not understood, as the RFC allows.
    All,
    /// The bytes from the first to the last, both included.
    One { first: u64, last: u64 },
    /// It has nothing of what is asked for.
    None,
}

impl Ranges {
    /// What the header asks for, of a file of so many bytes.
    pub(super) fn of(header: &str, length: u64) -> Self {
        let Some((unit, range)) = header.split_once('=') else { return Self::All };
        let Some((first, last)) = range.trim().split_once('-') else { return Self::All };
        if !unit.trim().eq_ignore_ascii_case("bytes")
            || ![first, last].iter().all(|end| end.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Self::All;
        }
        match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if last < first => Self::All,
            (Ok(first), _) if first >= length => Self::None,
            // A last one that is left out, or beyond all numbers, is the file's.
            (Ok(first), last) => Self::One { first, last: last.unwrap_or(u64::MAX).min(length - 1) },
            (Err(_), Ok(0)) if first.is_empty() => Self::None,
            (Err(_), Ok(count)) if first.is_empty() && length > 0 => {
                Self::One { first: length.saturating_sub(count), last: length - 1 }
            }
            (Err(_), Ok(_)) if first.is_empty() => Self::None,
            _ => Self::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_part_is_within_the_file() {
        let one = |first, last| Ranges::One { first, last };
        for (header, expected) in [
            ("bytes=0-0", one(0, 0)),
            ("bytes=2-5", one(2, 5)),
            ("Bytes = 2-5", one(2, 5)),
            ("bytes=2-", one(2, 9)),
            ("bytes=2-99", one(2, 9)),
            ("bytes=2-99999999999999999999999", one(2, 9)),
            ("bytes=-3", one(7, 9)),
            ("bytes=-99", one(0, 9)),
            ("bytes=10-", Ranges::None),
            ("bytes=-0", Ranges::None),
            ("bytes=5-2", Ranges::All),
            ("bytes=0-1,3-4", Ranges::All),
            ("bytes=-", Ranges::All),
            ("bytes=+1-2", Ranges::All),
            ("bytes", Ranges::All),
            ("lines=1-2", Ranges::All),
        ] {
            assert_eq!(Ranges::of(header, 10), expected, "{header}");
        }
        assert_eq!(Ranges::of("bytes=0-", 0), Ranges::None);
        assert_eq!(Ranges::of("bytes=-5", 0), Ranges::None);
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_the_part_is_within(header in "bytes=[0-9]{0,20}-[0-9]{0,20}", length in any::<u64>()) {
            if let Ranges::One { first, last } = Ranges::of(&header, length) {
                prop_assert!(first <= last && last < length);
            }
        }
    }
}
