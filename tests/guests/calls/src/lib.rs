//! Calls the host's interface in the order that its payload says, below the bindings that would keep it from doing so: with
//! handles that it dropped, or kept from an earlier invocation, or made up, and with pointers to nowhere.
//!
//! The payload is a JSON string of hexadecimal digits. Its first byte is the tag of which every byte of the response is made; of
//! what follows, `Program::step` reads one operation after the other.

// What it exports has names that only linkers of WebAssembly take.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "it calls the imports themselves")]

use std::cell::RefCell;
use std::time::{Duration, Instant};

mod bindings {
    #![allow(clippy::all, missing_docs, unreachable_pub, reason = "they are generated")]
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "firstbyte:lambda/function",
        generate_all,
    });
    use super::Calls;
    export!(Calls);
}

use bindings::exports::firstbyte::lambda::handler::{Failure, Guest, Request, Response};

struct Calls;

#[link(wasm_import_module = "firstbyte:lambda/invocation@0.2.0")]
unsafe extern "C" {
    #[link_name = "[static]response.start"]
    fn start(response: u32, status: u32, headers: *const [usize; 4], count: usize, result: *mut u32);
    #[link_name = "[method]body.write"]
    fn write(body: u32, bytes: *const u8, length: usize, result: *mut u32);
    #[link_name = "[method]body.subscribe"]
    fn subscribe(body: u32) -> u32;
    #[link_name = "[static]body.finish"]
    fn finish(body: u32, result: *mut u32);
    #[link_name = "[method]request.event"]
    fn event(request: u32, result: *mut u32);
    #[link_name = "[method]request.payload"]
    fn payload(request: u32, result: *mut u32);
    #[link_name = "[method]request.http"]
    fn http(request: u32, result: *mut u32);
    #[link_name = "[method]request.remaining-ms"]
    fn remaining_ms(request: u32) -> u64;
    #[link_name = "[resource-drop]request"]
    fn drop_request(request: u32);
    #[link_name = "[resource-drop]response"]
    fn drop_response(response: u32);
    #[link_name = "[resource-drop]body"]
    fn drop_body(body: u32);
}

#[link(wasm_import_module = "wasi:io/poll@0.2.10")]
unsafe extern "C" {
    #[link_name = "[method]pollable.ready"]
    fn ready(pollable: u32) -> u32;
    #[link_name = "[method]pollable.block"]
    fn block(pollable: u32);
    #[link_name = "poll"]
    fn poll(pollables: *const u32, count: usize, result: *mut u32);
    #[link_name = "[resource-drop]pollable"]
    fn drop_pollable(pollable: u32);
}

#[link(wasm_import_module = "wasi:clocks/monotonic-clock@0.2.10")]
unsafe extern "C" {
    #[link_name = "subscribe-duration"]
    fn subscribe_duration(nanoseconds: u64) -> u32;
}

#[link(wasm_import_module = "wasi:http/types@0.2.10")]
unsafe extern "C" {
    #[link_name = "[constructor]fields"]
    fn new_fields() -> u32;
    #[link_name = "[method]fields.append"]
    fn append(fields: u32, name: *const u8, name_length: usize, value: *const u8, length: usize, result: *mut u32);
    #[link_name = "[resource-drop]fields"]
    fn drop_fields(fields: u32);
    #[link_name = "[constructor]outgoing-request"]
    fn new_request(fields: u32) -> u32;
    #[link_name = "[method]outgoing-request.body"]
    fn request_body(request: u32, result: *mut u32);
    #[link_name = "[resource-drop]outgoing-request"]
    fn drop_outgoing_request(request: u32);
    #[link_name = "[method]outgoing-body.write"]
    fn body_stream(body: u32, result: *mut u32);
    #[link_name = "[static]outgoing-body.finish"]
    fn finish_body(body: u32, has_trailers: u32, trailers: u32, result: *mut u32);
    #[link_name = "[resource-drop]outgoing-body"]
    fn drop_outgoing_body(body: u32);
}

#[link(wasm_import_module = "wasi:io/streams@0.2.10")]
unsafe extern "C" {
    #[link_name = "[method]output-stream.write"]
    fn write_stream(stream: u32, bytes: *const u8, length: usize, result: *mut u32);
    #[link_name = "[resource-drop]output-stream"]
    fn drop_stream(stream: u32);
}

thread_local! {
    /// Every handle that this instance was ever given.
    static HANDLES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    /// What it holds.
    static HOARD: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

fn keep(handle: u32) {
    HANDLES.with_borrow_mut(|handles| handles.push(handle));
}

/// Where results go: the first word tells which case it is, the second what is in it. None of the interface's are larger.
type Results = [u32; 32];

struct Program {
    tag: u8,
    bytes: std::vec::IntoIter<u8>,
}

impl Program {
    /// The next byte; zeros after the last.
    fn byte(&mut self) -> u8 {
        self.bytes.next().unwrap_or_default()
    }

    fn short(&mut self) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()]))
    }

    /// A handle: mostly one that was given, counted from the last.
    fn handle(&mut self) -> u32 {
        let back = usize::from(self.byte());
        HANDLES.with_borrow(|handles| {
            let known = handles.len().checked_sub(1 + back % 16).and_then(|at| handles.get(at));
            if back >= 240 { back as u32 - 240 } else { known.copied().unwrap_or(back as u32) }
        })
    }

    /// Does one operation. What it calls may trap.
    fn step(&mut self, operation: u8) -> Option<Result<(), Failure>> {
        let mut results: Results = [u32::MAX; 32];
        let result = results.as_mut_ptr();
        let known = |results: Results| {
            if results[0] & 0xff == 0 {
                keep(results[1]);
            }
        };
        // SAFETY: none is needed: what is passed is what the host has to withstand, and results have room.
        unsafe {
            match operation {
                0..=2 => {
                    let (handle, status) = (self.handle(), self.short());
                    let status = if operation == 0 { 200 } else { status as u32 };
                    let count = usize::from(self.byte() % 5);
                    let texts: Vec<[Vec<u8>; 2]> = (0..count).map(|_| [self.text(), self.text()]).collect();
                    let headers: Vec<[usize; 4]> = texts
                        .iter()
                        .map(|[name, value]| [name.as_ptr() as usize, name.len(), value.as_ptr() as usize, value.len()])
                        .collect();
                    start(handle, status, headers.as_ptr(), count, result);
                    known(results);
                }
                3..=5 => {
                    let (handle, length) = (self.handle(), self.short());
                    let chunk = vec![self.tag; if operation == 3 { length % 64 } else { length * 4 }];
                    write(handle, chunk.as_ptr(), chunk.len(), result);
                }
                6 => write(self.handle(), (self.short() << 16 | 0x80_0000) as *const u8, self.short() << 12, result),
                7 => {
                    finish(self.handle(), result);
                }
                8 => keep(subscribe(self.handle())),
                9 => match self.byte() % 4 {
                    0 => event(self.handle(), result),
                    1 => payload(self.handle(), result),
                    2 => http(self.handle(), result),
                    _ => _ = remaining_ms(self.handle()),
                },
                10 => drop_request(self.handle()),
                11 => drop_response(self.handle()),
                12 => drop_body(self.handle()),
                13 => drop_pollable(self.handle()),
                14 => _ = ready(self.handle()),
                15 => block(self.handle()),
                16 => {
                    let pollables: Vec<u32> = (0..self.byte() % 8).map(|_| self.handle()).collect();
                    poll(pollables.as_ptr(), pollables.len(), result);
                }
                17 => keep(subscribe_duration(self.short() as u64 * 16)),
                18 => keep(new_fields()),
                19 => {
                    let (handle, name, value) = (self.handle(), self.text(), vec![self.tag; self.short()]);
                    append(handle, name.as_ptr(), name.len(), value.as_ptr(), value.len(), result);
                }
                20 => drop_fields(self.handle()),
                21 => keep(new_request(self.handle())),
                22 => {
                    request_body(self.handle(), result);
                    known(results);
                }
                23 => {
                    body_stream(self.handle(), result);
                    known(results);
                }
                24 => {
                    let (handle, chunk) = (self.handle(), vec![self.tag; self.short()]);
                    write_stream(handle, chunk.as_ptr(), chunk.len(), result);
                }
                25 => match self.byte() % 4 {
                    0 => drop_outgoing_request(self.handle()),
                    1 => drop_outgoing_body(self.handle()),
                    2 => drop_stream(self.handle()),
                    _ => finish_body(self.handle(), u32::from(self.byte() % 2), self.handle(), result),
                },
                26 => println!("{}", String::from_utf8_lossy(&self.text())),
                27 => {
                    let length = self.short() << 6;
                    HOARD.with_borrow_mut(|hoard| hoard.push(vec![self.tag; length]));
                }
                28 => {
                    let until = Instant::now() + Duration::from_micros(self.short() as u64 / 16);
                    while Instant::now() < until {}
                }
                29 => std::process::exit(i32::from(self.byte())),
                30 => panic!("{}", String::from_utf8_lossy(&self.text())),
                _ => {
                    let status = self.short();
                    return Some(Err(Failure {
                        kind: String::from_utf8_lossy(&self.text()).into_owned(),
                        message: String::from_utf8_lossy(&self.text()).into_owned(),
                        status: (status > 0).then_some(status as u16),
                        stack: (0..self.byte() % 4).map(|_| String::from_utf8_lossy(&self.text()).into_owned()).collect(),
                    }));
                }
            }
        }
        None
    }

    /// Up to 31 bytes that may be text, and may be long.
    fn text(&mut self) -> Vec<u8> {
        let length = self.byte();
        let text: Vec<u8> = (0..length % 32).map(|_| self.byte()).collect();
        // Some names are worth more than chance gives them.
        match length {
            224..=227 => b"content-type".to_vec(),
            228..=231 => b"text/event-stream".to_vec(),
            232..=235 => b"set-cookie".to_vec(),
            236..=239 => vec![b'a'; 6000],
            _ => text,
        }
    }
}

impl Guest for Calls {
    fn handle(request: Request, response: Response) -> Result<(), Failure> {
        let payload = request.payload();
        let digits: Vec<u8> = payload.iter().filter_map(|digit| (*digit as char).to_digit(16)).map(|digit| digit as u8).collect();
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        keep(request.take_handle());
        keep(response.take_handle());
        let mut bytes = bytes.into_iter();
        let tag = bytes.next().unwrap_or_default();
        let mut program = Program { tag, bytes };
        while let Some(operation) = program.bytes.next() {
            if let Some(outcome) = program.step(operation % 32) {
                return outcome;
            }
        }
        Ok(())
    }
}
