//! What other servers answered when it was recorded, and what they are asked now.

use super::events::{Event, Kind};
use crate::answer::{Answer, Step};
use crate::servers::origin;
use crate::upstream::{Upstream, UpstreamRequest};
use http::Uri;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A request as it was recorded, and its answer.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) origin: String,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    /// Absent if none was told: then the other server was silent.
    answer: Option<Answer>,
    /// When the last thing happened that is told of here, since the Unix epoch.
    last: Duration,
}

impl Call {
    /// All requests of an invocation, in the order in which they were sent.
    pub(super) fn all<'a>(events: impl Iterator<Item = &'a Event>) -> Result<Vec<Self>, &'static str> {
        let mut calls = BTreeMap::<u64, Self>::new();
        for event in events {
            let at = event.at();
            match &event.kind {
                Kind::UpstreamAsked { call, method, url } => {
                    let asked = Self::asked(method, url, at).ok_or("a request in it has an invalid URL")?;
                    calls.insert(*call, asked);
                }
                Kind::UpstreamSent { call, data } => {
                    let call = known(&mut calls, *call)?;
                    call.body.extend(data);
                    // An answer's times count from when all was sent that it answers.
                    if call.answer.is_none() {
                        call.last = at;
                    }
                }
                Kind::UpstreamAnswered { call, status, headers } => {
                    let call = known(&mut calls, *call)?;
                    let answer = Answer::new(*status).after(call.pause(at));
                    let answer = headers.iter().fold(answer, |answer, (name, value)| answer.header(name, value));
                    // Until more is told.
                    call.answer = Some(answer.then(Step::Silence));
                }
                Kind::UpstreamChunk { call, data } => {
                    known(&mut calls, *call)?.then(at, [Step::Chunk(data.clone()), Step::Silence]);
                }
                // The other server did nothing.
                Kind::UpstreamEnded { left: true, .. } => {}
                Kind::UpstreamEnded { call, error, left: false } => {
                    let call = known(&mut calls, *call)?;
                    match (error, &call.answer) {
                        (Some(error), None) => call.answer = Some(Answer::failed(error).after(call.pause(at))),
                        (error, _) => call.then(at, error.clone().map(Step::Fail)),
                    }
                }
                _ => {}
            }
        }
        let is_gapless = calls.keys().copied().eq((1..).take(calls.len()));
        if is_gapless { Ok(calls.into_values().collect()) } else { Err("requests to other servers are missing in it") }
    }

    fn asked(method: &str, url: &str, at: Duration) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Some(Self { method: method.to_owned(), origin: origin(&uri)?, path, body: Vec::new(), answer: None, last: at })
    }

    /// The time since the last thing that was told.
    fn pause(&mut self, at: Duration) -> Duration {
        at.saturating_sub(std::mem::replace(&mut self.last, at))
    }

    /// Then that came, and nothing before it.
    fn then(&mut self, at: Duration, steps: impl IntoIterator<Item = Step>) {
        let pause = self.pause(at);
        if let Some(Answer { steps: all, .. }) = &mut self.answer {
            all.pop_if(|last| matches!(last, Step::Silence));
            all.push(Step::Pause(pause));
            all.extend(steps);
        }
    }

    fn is_for(&self, request: &UpstreamRequest) -> bool {
        (&self.method, &self.origin, &self.path) == (&request.method, &request.origin, &request.path)
    }
}

fn known(calls: &mut BTreeMap<u64, Call>, call: u64) -> Result<&mut Call, &'static str> {
    calls.get_mut(&call).ok_or("a request to another server is missing in it")
}

/// Answers as it was recorded, and keeps what was asked.
#[derive(Clone)]
pub(super) struct Script(Arc<Mutex<State>>);

struct State {
    /// Each until it is asked for.
    calls: Vec<Option<Call>>,
    /// Requests that were not recorded, or with another body.
    differing: Vec<(UpstreamRequest, Option<Call>)>,
}

impl Script {
    pub(super) fn new(calls: Vec<Call>) -> Self {
        Self(Arc::new(Mutex::new(State { calls: calls.into_iter().map(Some).collect(), differing: Vec::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn upstream(&self) -> Upstream {
        let script = self.clone();
        Upstream::new(move |request| script.answer(request))
    }

    fn answer(&self, request: &UpstreamRequest) -> Answer {
        let mut state = self.lock();
        let of = |call: &Option<Call>, alike: &dyn Fn(&Call) -> bool| call.as_ref().is_some_and(alike);
        let same = |call: &Option<Call>| of(call, &|call| call.is_for(request) && call.body == request.body);
        let like = |call: &Option<Call>| of(call, &|call| call.is_for(request));
        let found = state.calls.iter().position(same).or_else(|| state.calls.iter().position(like));
        let call = found.and_then(|found| state.calls.get_mut(found)?.take());
        let answer = call.as_ref().map(|call| call.answer.clone().unwrap_or_else(Answer::silent));
        if call.as_ref().is_none_or(|call| call.body != request.body) {
            state.differing.push((request.clone(), call));
        }
        answer.unwrap_or_else(|| Answer::failed("InternalError: the handler did not ask for this when it was recorded"))
    }

    /// The first request that is not as it was recorded, and what was recorded in its place, if anything was.
    pub(super) fn differs(&self) -> Option<(UpstreamRequest, Option<Call>)> {
        self.lock().differing.first().cloned()
    }

    /// The first request that was recorded, and was not sent.
    pub(super) fn is_missing(&self) -> Option<Call> {
        self.lock().calls.iter().flatten().next().cloned()
    }
}
