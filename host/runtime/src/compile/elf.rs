//! Machine code as the ELF file that it is: without names for debuggers, and where its bulk is. wasmtime never reads those names: it
//! tells functions of a stack by a section of its own, and where code may trap by another, which both stay.

use crate::checksum::Bulk;
use object::build::elf::{Builder, SectionData};
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{Endianness, elf};

/// The ELF file `code` without its table of symbols and their names.
///
/// # Errors
/// It is no ELF file.
pub(super) fn without_symbols(code: &[u8]) -> object::build::Result<Vec<u8>> {
    let mut file = Builder::read64(code)?;
    for section in &mut file.sections {
        section.delete |= matches!(section.data, SectionData::Symbol | SectionData::String);
    }
    file.symbols.iter_mut().for_each(|symbol| symbol.delete = true);
    let mut stripped = Vec::new();
    file.write(&mut stripped)?;
    Ok(stripped)
}

/// The sections that are mapped by pages of their own: functions, and what memories begin with.
///
/// # Errors
/// It is no ELF file.
pub(super) fn bulk(code: &[u8]) -> object::read::Result<Bulk> {
    const PAGE: u64 = 4096;
    let header = elf::FileHeader64::<Endianness>::parse(code)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, code)?;
    let mut paged = sections.iter().filter(|section| section.sh_addralign(endian) >= PAGE).filter_map(|section| {
        let (start, size) = section.file_range(endian)?;
        Some(start..start.checked_add(size)?)
    });
    Ok([paged.next().unwrap_or_default(), paged.next().unwrap_or_default()])
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;
    use crate::engine::{Arch, Generation, engine_for};
    use std::collections::BTreeMap;

    /// Alignment, flags and bytes of each section by its name.
    fn sections(file: &[u8]) -> BTreeMap<String, (u64, u64, &[u8])> {
        let header = elf::FileHeader64::<Endianness>::parse(file).unwrap();
        let endian = header.endian().unwrap();
        let table = header.sections(endian, file).unwrap();
        let entries = table.iter().map(|section| {
            let data = section.data(endian, file).unwrap();
            let align = section.sh_addralign(endian);
            assert_eq!(section.sh_offset(endian) % align.max(1), 0, "a section that wasmtime would refuse to map");
            let name = String::from_utf8(table.section_name(endian, section).unwrap().to_vec()).unwrap();
            (name, (align, section.sh_flags(endian), data))
        });
        entries.collect()
    }

    #[test]
    fn all_but_the_symbols_stays() {
        let component = wat::parse_str(
            r#"(component (core module $m (memory 1) (data (i32.const 9) "data") (func $named (export "f") unreachable)) (core instance (instantiate $m)))"#,
        );
        let component = component.unwrap();
        for arch in [Arch::X86_64, Arch::Arm64] {
            let code = engine_for(arch, Generation::P2).unwrap().precompile_component(&component).unwrap();
            let stripped = without_symbols(&code).unwrap();
            let (mut before, mut after) = (sections(&code), sections(&stripped));
            assert!(before.remove(".symtab").is_some() && before.remove(".strtab").is_some());
            // The names of sections are fewer, too.
            assert!(before.remove(".shstrtab").is_some() && after.remove(".shstrtab").is_some());
            assert_eq!(before, after);
            let bulk = bulk(&stripped).unwrap().map(|part| &stripped[part.start as usize..part.end as usize]);
            assert_eq!(bulk, [after[".text"].2, after[".rodata.wasm"].2]);
        }
        assert!(without_symbols(b"not machine code").is_err());
    }
}
