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
        assert_eq!(check(b"\0asm", Arch::Arm64).unwrap_err().to_string(), "it is not machine code");
    }
}
