//! The crate `log`: its macros write records.

use log::{LevelFilter, Log, Metadata, Record, kv};
use serde_json::{Map, Value};

use super::{Level, line};

struct Facade;

pub(super) fn init() {
    // Another logger that was there before stays.
    if log::set_logger(&Facade).is_ok() {
        log::set_max_level(match super::lowest() {
            Level::Trace => LevelFilter::Trace,
            Level::Debug => LevelFilter::Debug,
            Level::Info => LevelFilter::Info,
            Level::Warn => LevelFilter::Warn,
            Level::Error => LevelFilter::Error,
            Level::Fatal => LevelFilter::Off,
        });
    }
}

fn level(level: log::Level) -> Level {
    match level {
        log::Level::Trace => Level::Trace,
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warn => Level::Warn,
        log::Level::Error => Level::Error,
    }
}

impl Log for Facade {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        level(metadata.level()) >= super::level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            line::print(level(record.level()), &record.args().to_string(), members(record));
        }
    }

    fn flush(&self) {}
}

fn members(record: &Record<'_>) -> Map<String, Value> {
    let mut members = Members(Map::from_iter([("target".to_owned(), record.target().into())]));
    // It cannot fail where the visitor does not.
    let _ = record.key_values().visit(&mut members);
    members.0
}

struct Members(Map<String, Value>);

impl<'kvs> kv::VisitSource<'kvs> for Members {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let json = if let Some(value) = value.to_bool() {
            value.into()
        } else if let Some(value) = value.to_u64() {
            value.into()
        } else if let Some(value) = value.to_i64() {
            value.into()
        } else if let Some(value) = value.to_f64() {
            value.into()
        } else {
            value.to_string().into()
        };
        self.0.insert(key.to_string(), json);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn key_values_are_members() {
        let pairs = [
            ("item", kv::Value::from(7)),
            ("left", (-3).into()),
            ("price", 1.5.into()),
            ("new", true.into()),
            ("name", "x".into()),
        ];
        let record = Record::builder().target("shop").key_values(&pairs).build();
        let expected = json!({ "target": "shop", "item": 7, "left": -3, "price": 1.5, "new": true, "name": "x" });
        assert_eq!(Value::Object(members(&record)), expected);
    }
}
