//! Whatever comes to mind, in an order that a seed decides.

use std::{
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use firstbyte::{Body, Error, Response, Result};

pub(crate) fn run(mut response: Response, seed: u64) -> Result {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    if dice.below(4) == 0 {
        for _ in 0..dice.below(4) {
            response = response.header(dice.text(), dice.text());
        }
    }
    if dice.below(8) == 0 {
        response = response.status(dice.next() as u16);
    }
    if dice.below(3) == 0 {
        response = response.content_type("text/event-stream; charset=utf-8");
    }
    if dice.below(8) == 0 {
        return dice.outcome();
    }
    let mut body = response.start()?;
    for _ in 0..dice.below(20) {
        // A refusal is no reason to stop.
        let _ = dice.act(&mut body);
    }
    match dice.below(4) {
        0 => body.finish()?,
        1 => std::mem::forget(body),
        _ => drop(body),
    }
    dice.outcome()
}

/// Numbers that are as good as random (xorshift).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn act(&mut self, body: &mut Body) -> Result {
        match self.below(9) {
            0 => body.write("")?,
            1 => body.write(self.text())?,
            2 => body.write(vec![b'x'; 16 * 1024 - 2 + self.below(4) as usize])?,
            3 => body.write(vec![b'y'; 64 * 1024 - 2 + self.below(4) as usize])?,
            4 => body.write(vec![b'z'; self.below(400_000) as usize])?,
            5 => println!("{}", self.text()),
            6 => eprintln!("thread 'main' panicked at {}", self.text()),
            7 => thread::sleep(Duration::from_micros(self.below(2000))),
            _ => {
                let start = Instant::now();
                while start.elapsed() < Duration::from_millis(2) {
                    black_box(());
                }
            }
        }
        Ok(())
    }

    fn outcome(&mut self) -> Result {
        let error = Error::new(self.text(), self.text());
        match self.below(8) {
            0 => Err(error),
            1 => Err(error.status(self.next() as u16)),
            2 => Err(error.status(400 + self.below(200) as u16)),
            3 => panic!("{}", self.text()),
            4 => std::process::exit(self.below(3) as i32),
            _ => Ok(()),
        }
    }

    fn text(&mut self) -> String {
        match self.below(9) {
            0 => String::new(),
            1 => "x-name".to_owned(),
            2 => ["content-length", "Transfer-Encoding", "set-cookie", "content-type"][self.below(4) as usize].to_owned(),
            3 => "one\r\ntwo: three\r\n\r\nfour".to_owned(),
            4 => "\0\0\0\0\0\0\0\0".to_owned(),
            5 => "ü→\u{10ffff}\u{202e}\u{feff}".to_owned(),
            6 => "long ".repeat(self.below(5_000) as usize),
            7 => format!("{:x}\r\n", self.next()),
            _ => (0..self.below(20)).filter_map(|_| char::from_u32(self.below(0x300) as u32)).collect(),
        }
    }
}
