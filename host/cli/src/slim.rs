//! Takes out of a component what running it does not need: the names of its functions and other custom sections.

/// The component without custom sections, those of its modules and inner components included. What it cannot read, it
/// returns as it is, for the compiler to complain about.
pub(crate) fn without_names(component: &[u8]) -> Vec<u8> {
    strip(component).unwrap_or_else(|| component.to_owned())
}

/// Layer and version follow the magic number: a module's, or a component's.
const MODULE: [u8; 4] = [1, 0, 0, 0];

/// A module or component: eight bytes of header, then sections of an id, a length, and the content.
fn strip(binary: &[u8]) -> Option<Vec<u8>> {
    const CUSTOM: u8 = 0;
    /// In a component; in a module these are a type section and a table section.
    const CORE_MODULE: u8 = 1;
    const COMPONENT: u8 = 4;
    let (header, mut rest) = binary.split_at_checked(8)?;
    let layer = header.strip_prefix(b"\0asm")?;
    let mut stripped = header.to_vec();
    while let [id, after @ ..] = rest {
        let (length, after) = length(after)?;
        let (content, after) = after.split_at_checked(length)?;
        rest = after;
        match *id {
            CUSTOM => {}
            CORE_MODULE | COMPONENT if layer != MODULE => section(&mut stripped, *id, &strip(content)?),
            id => section(&mut stripped, id, content),
        }
    }
    Some(stripped)
}

fn section(binary: &mut Vec<u8>, id: u8, content: &[u8]) {
    binary.push(id);
    let mut length = content.len();
    while length > 0x7f {
        binary.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    binary.push(length as u8);
    binary.extend_from_slice(content);
}

/// An unsigned LEB128 number of at most 32 bits, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 8] = *b"\0asm\x0d\0\x01\0";
    const MODULE_HEADER: [u8; 8] = *b"\0asm\x01\0\0\0";

    fn with(header: [u8; 8], sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut binary = header.to_vec();
        for (id, content) in sections {
            section(&mut binary, *id, content);
        }
        binary
    }

    #[test]
    fn names_go_at_every_depth_and_the_rest_stays() {
        let code = [5; 300];
        let module = with(MODULE_HEADER, &[(1, b"types"), (10, &code), (0, b"\x04nameaddresses")]);
        let inner = with(HEADER, &[(1, &module), (0, b"\x0ecomponent-name")]);
        let outer = with(HEADER, &[(7, b"types"), (4, &inner), (1, &module), (0, b"\x09producers")]);

        let module = with(MODULE_HEADER, &[(1, b"types"), (10, &code)]);
        let inner = with(HEADER, &[(1, &module)]);
        assert_eq!(without_names(&outer), with(HEADER, &[(7, b"types"), (4, &inner), (1, &module)]));
    }

    #[test]
    fn what_is_no_component_stays_as_it_is() {
        let cut = &with(HEADER, &[(7, b"types")])[..11];
        for bytes in [&b"not wasm at all"[..], b"", cut] {
            assert_eq!(without_names(bytes), bytes);
        }
    }
}
