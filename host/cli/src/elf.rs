//! What the header of an ELF file says: bootstraps and compiled components are such files.

use anyhow::{Result, bail};
use firstbyte_runtime::engine::Arch;

/// Fails unless the file is for `arch`.
pub(crate) fn check(bytes: &[u8], arch: Arch) -> Result<()> {
    match architecture(bytes) {
        Some(Some(found)) if found == arch => Ok(()),
        Some(Some(found)) => bail!("it is for {}, not for {}", found.name(), arch.name()),
        Some(None) => bail!("it is for an architecture that Lambda does not have"),
        None => bail!("it is not machine code"),
    }
}

/// None if this is no ELF file; none within if Lambda has no such machine.
fn architecture(bytes: &[u8]) -> Option<Option<Arch>> {
    // 64 bits, little-endian; e_machine is the half-word at 18.
    let header = bytes.strip_prefix(b"\x7fELF\x02\x01")?;
    let machine = header.get(12..14)?;
    Some(match machine {
        [62, 0] => Some(Arch::X86_64),
        [183, 0] => Some(Arch::Arm64),
        _ => None,
    })
}

/// An ELF program without its unwind tables, which nothing reads in a program that aborts when it panics: an eighth of its zip.
/// Zeroes stand in their place, so that nothing in the program moves.
pub(crate) fn without_unwind_tables(mut bytes: Vec<u8>) -> Vec<u8> {
    for (offset, size) in unwind_tables(&bytes).unwrap_or_default() {
        if let Some(table) = offset.checked_add(size).and_then(|end| bytes.get_mut(offset..end)) {
            table.fill(0);
        }
    }
    bytes
}

/// Offset and size of the sections that hold unwind tables. None if the file has no table of sections that can be read.
fn unwind_tables(bytes: &[u8]) -> Option<Vec<(usize, usize)>> {
    let number = |at: usize, size: usize| {
        let digits = bytes.get(at..at.checked_add(size)?)?;
        Some(digits.iter().rev().fold(0, |number, digit| number << 8 | usize::from(*digit)))
    };
    // Of the header: where the table of sections begins, how large an entry is, how many there are, and which has the names.
    let (table, entry, count, names) = (number(40, 8)?, number(58, 2)?, number(60, 2)?, number(62, 2)?);
    let section = |index: usize| {
        let at = table.checked_add(index.checked_mul(entry)?)?;
        Some((number(at, 4)?, number(at.checked_add(24)?, 8)?, number(at.checked_add(32)?, 8)?))
    };
    let (_, names, _) = section(names)?;
    let mut found = Vec::new();
    for index in 0..count {
        let (name, offset, size) = section(index)?;
        let name = bytes.get(names.checked_add(name)?..)?;
        if name.starts_with(b".eh_frame\0") || name.starts_with(b".eh_frame_hdr\0") {
            found.push((offset, size));
        }
    }
    Some(found)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_file_for_the_other_architecture_is_named() {
        let mut file = b"\x7fELF\x02\x01".to_vec();
        file.resize(64, 0);
        file[18] = 183;
        assert!(check(&file, Arch::Arm64).is_ok());
        assert_eq!(check(&file, Arch::X86_64).unwrap_err().to_string(), "it is for arm64, not for x86_64");
        assert_eq!(without_unwind_tables(file.clone()), file, "there is no table of sections");
        assert_eq!(check(b"\0asm", Arch::Arm64).unwrap_err().to_string(), "it is not machine code");
    }
}
