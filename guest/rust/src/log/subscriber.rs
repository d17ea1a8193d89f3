//! The crate `tracing`: its events are records, and the fields of the spans around them their members.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Map, Value};
use tracing_core::{
    Dispatch, Event, Field, Interest, LevelFilter, Metadata, Subscriber, dispatcher, field,
    span::{Attributes, Current, Id, Record},
};

use super::{Level, line};
use crate::init as preparation;

pub(super) fn init() {
    // Another subscriber that was there before stays.
    let _ = dispatcher::set_global_default(Dispatch::new(Records::new(line::print)));
}

/// Writes events as records.
struct Records {
    spans: Mutex<Spans>,
    print: Print,
}

type Print = fn(Level, &str, Map<String, Value>);

#[derive(Default)]
struct Spans {
    /// The number that was given last.
    last: u64,
    open: BTreeMap<u64, Span>,
    /// Those that are entered, the innermost last.
    entered: Vec<u64>,
}

struct Span {
    metadata: &'static Metadata<'static>,
    parent: Option<u64>,
    fields: Map<String, Value>,
    /// How many handles there are of it.
    handles: usize,
}

impl Records {
    fn new(print: Print) -> Self {
        Self { spans: Mutex::default(), print }
    }

    fn spans(&self) -> MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The level, message and members of an event.
    fn read(&self, event: &Event<'_>) -> (Level, String, Map<String, Value>) {
        let spans = self.spans();
        let around = spans.around(event.parent().map(Id::into_u64), event.is_contextual());
        let names: Vec<&str> = around.iter().map(|span| span.metadata.name()).collect();
        let mut members = Map::from_iter([("target".to_owned(), event.metadata().target().into())]);
        if !names.is_empty() {
            members.insert("span".to_owned(), names.join(":").into());
        }
        members.extend(around.iter().flat_map(|span| span.fields.clone()));
        drop(spans);
        event.record(&mut Fields(&mut members));
        let message = match members.remove("message") {
            Some(Value::String(message)) => message,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        (level(*event.metadata().level()), message, members)
    }
}

impl Spans {
    /// The spans around something, the outermost first.
    fn around(&self, parent: Option<u64>, is_contextual: bool) -> Vec<&Span> {
        let mut number = parent.or_else(|| self.entered.last().copied().filter(|_| is_contextual));
        let mut around = Vec::new();
        while let Some(span) = number.and_then(|number| self.open.get(&number)) {
            around.push(span);
            number = span.parent;
        }
        around.reverse();
        around
    }
}

impl Subscriber for Records {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if preparation::is_for_snapshot() {
            return Interest::sometimes();
        }
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        level(*metadata.level()) >= super::level()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match super::lowest() {
            Level::Trace => LevelFilter::TRACE,
            Level::Debug => LevelFilter::DEBUG,
            Level::Info => LevelFilter::INFO,
            Level::Warn => LevelFilter::WARN,
            Level::Error => LevelFilter::ERROR,
            Level::Fatal => LevelFilter::OFF,
        })
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Map::new();
        attributes.record(&mut Fields(&mut fields));
        let mut spans = self.spans();
        let entered = spans.entered.last().copied().filter(|_| attributes.is_contextual());
        let parent = attributes.parent().map(Id::into_u64).or(entered);
        if let Some(parent) = parent.and_then(|parent| spans.open.get_mut(&parent)) {
            parent.handles += 1;
        }
        spans.last += 1;
        let number = spans.last;
        spans.open.insert(number, Span { metadata: attributes.metadata(), parent, fields, handles: 1 });
        Id::from_u64(number)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Map::new();
        values.record(&mut Fields(&mut fields));
        if let Some(span) = self.spans().open.get_mut(&span.into_u64()) {
            span.fields.extend(fields);
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let (level, message, members) = self.read(event);
        (self.print)(level, &message, members);
    }

    fn enter(&self, span: &Id) {
        self.spans().entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut spans = self.spans();
        // Tasks may leave theirs in another order than they entered them.
        if let Some(index) = spans.entered.iter().rposition(|number| *number == span.into_u64()) {
            spans.entered.remove(index);
        }
    }

    fn clone_span(&self, span: &Id) -> Id {
        if let Some(span) = self.spans().open.get_mut(&span.into_u64()) {
            span.handles += 1;
        }
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        let mut spans = self.spans();
        let mut closing = Some(span.into_u64());
        while let Some(number) = closing {
            let Some(open) = spans.open.get_mut(&number) else { break };
            open.handles -= 1;
            if open.handles > 0 {
                break;
            }
            // It was one of its parent's handles.
            closing = spans.open.remove(&number).and_then(|span| span.parent);
        }
        !spans.open.contains_key(&span.into_u64())
    }

    fn current_span(&self) -> Current {
        let spans = self.spans();
        match spans.entered.last().and_then(|number| Some((*number, spans.open.get(number)?))) {
            Some((number, span)) => Current::new(Id::from_u64(number), span.metadata),
            None => Current::none(),
        }
    }
}

fn level(level: tracing_core::Level) -> Level {
    match level {
        tracing_core::Level::TRACE => Level::Trace,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::WARN => Level::Warn,
        tracing_core::Level::ERROR => Level::Error,
    }
}

/// Fields, as they are told.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl field::Visit for Fields<'_> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.insert(field, value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;
    use tracing::{debug, info, info_span, warn};

    use super::*;

    thread_local! {
        static PRINTED: RefCell<Vec<(Level, String, Value)>> = const { RefCell::new(Vec::new()) };
    }

    fn print(level: Level, message: &str, members: Map<String, Value>) {
        PRINTED.with_borrow_mut(|printed| printed.push((level, message.to_owned(), members.into())));
    }

    #[test]
    fn an_event_has_its_fields_and_those_of_the_spans_around_it() {
        tracing::subscriber::with_default(Records::new(print), || {
            warn!(target: "shop", left = 3, price = 1.5, new = true, name = "x", debug = ?Some(1), "low on {}", "stock");
            debug!("below the level");
            let outer = info_span!(target: "shop", "outer", user = "u", item = 1, late = field::Empty);
            let inner = info_span!(target: "shop", parent: &outer, "inner", item = 2);
            outer.record("late", 7);
            drop(outer);
            inner.in_scope(|| info!(target: "shop", left = 0, "inside"));
            info!(target: "shop", parent: &inner, "by its parent");
            info!(target: "shop", "outside");
        });
        let spans = |left: Value| {
            let mut members = json!({ "target": "shop", "span": "outer:inner", "user": "u", "item": 2, "late": 7 });
            if !left.is_null() {
                members["left"] = left;
            }
            members
        };
        let warned = json!({ "target": "shop", "left": 3, "price": 1.5, "new": true, "name": "x", "debug": "Some(1)" });
        let expected = [
            (Level::Warn, "low on stock", warned),
            (Level::Info, "inside", spans(0.into())),
            (Level::Info, "by its parent", spans(Value::Null)),
            (Level::Info, "outside", json!({ "target": "shop" })),
        ];
        assert_eq!(PRINTED.take(), expected.map(|(level, message, members)| (level, message.to_owned(), members)));
    }

    #[test]
    fn spans_are_forgotten_when_nobody_has_them() {
        let dispatch = Dispatch::new(Records::new(print));
        dispatcher::with_default(&dispatch, || {
            let outer = info_span!("outer");
            let inner = outer.in_scope(|| info_span!("inner"));
            let (first, second) = (outer.clone().entered(), inner.clone().entered());
            drop(first); // in another order than they were entered
            drop((outer, inner, second));
        });
        let records = dispatch.downcast_ref::<Records>().expect("ours");
        let spans = records.spans();
        assert!(spans.open.is_empty() && spans.entered.is_empty() && spans.last == 2);
    }
}
