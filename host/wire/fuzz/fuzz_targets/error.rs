//! Any failure is told in trailers that are valid header values and decode to it, or to what fits of it.
#![no_main]

use firstbyte_wire::error::{DOCUMENT_LIMIT, TRAILER_SECTION_LIMIT};
use firstbyte_wire::{ErrorReport, ErrorType, Trailers};

libfuzzer_sys::fuzz_target!(|input: (&str, &str, Vec<&str>, bool, u16)| {
    let (reason, message, stack, function, limit) = input;
    let kind = if function { ErrorType::function(reason) } else { ErrorType::runtime(reason) };
    let (_, letters) = kind.as_str().split_once('.').expect("two parts");
    assert!(letters.len() >= 2 && letters.bytes().all(|byte| byte.is_ascii_alphabetic()), "{kind}");
    assert!(letters.starts_with(|first: char| first.is_ascii_uppercase()), "{kind}");

    let mut report = ErrorReport::new(&kind, message);
    report.stack_trace = stack.into_iter().map(str::to_owned).collect();
    let whole = report.to_json_within(DOCUMENT_LIMIT);
    assert_eq!(serde_json::from_slice::<ErrorReport>(&whole).expect("JSON"), report);

    let trailers = Trailers::new(&report);
    assert!(trailers.error_type.bytes().chain(trailers.error_body.bytes()).all(|byte| byte.is_ascii_graphic()));
    assert!(trailers.section_len() <= TRAILER_SECTION_LIMIT);
    let told = trailers.document().expect("base64");
    let told: ErrorReport = serde_json::from_slice(&told).expect("JSON");
    assert_eq!(told.error_type, report.error_type);
    assert!(told == report || whole.len() > 2900);

    let limit = usize::from(limit).max(512);
    let cut = report.to_json_within(limit);
    assert!(cut.len() <= limit);
    serde_json::from_slice::<ErrorReport>(&cut).expect("JSON");
});
