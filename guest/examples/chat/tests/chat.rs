//! The chat, as its author tests it: the test is the model.

use firstbyte_testing::{Answer, Component, Event, Response, Upstream};
use serde_json::{Value, json};
use std::time::Duration;

fn chunk(token: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": token } }] }))
}

const OPENAI: &str = "https://api.openai.com";

/// On a paused clock: all that is waited for here comes at once.
fn chat(model: &Upstream) -> Component {
    let environment =
        [("CHAT_BASE_URL", OPENAI), ("CHAT_MODEL", "small"), ("CHAT_API_KEY", "secret"), ("FIRSTBYTE_ALLOW_HTTP", OPENAI)];
    Component::of_this_crate_with(environment).answering(OPENAI, model).paused()
}

fn talk(chat: &Component, text: &str) -> Response {
    chat.invoke(Event::function_url().json(&json!({ "messages": [{ "role": "user", "content": text }] })))
}

/// A chunk and the second in which it came.
fn timeline(response: &Response) -> Vec<(u64, &str)> {
    response.chunks().iter().map(|chunk| (chunk.at.as_secs(), chunk.text())).collect()
}

#[test]
fn each_token_is_sent_on_when_it_comes() {
    let model = Upstream::new(|_| {
        let answer = Answer::new(200).header("content-type", "text/event-stream");
        let answer = answer.chunk(chunk("Hel")).pause(Duration::from_secs(3)).chunk(chunk("lo"));
        // An event that arrives in pieces is one event all the same.
        answer.chunk("data: [DO").pause(Duration::from_millis(50)).chunk("NE]\n\n")
    });
    let chat = chat(&model);
    for event in Event::at_every_door(&json!({ "messages": [{ "role": "user", "content": "hi" }] })) {
        let response = chat.invoke(event);
        assert_eq!(response.header("content-type"), Some("text/event-stream"));
        let [first, second, done] = response.chunks() else { panic!("not three chunks: {:?}", response.chunks()) };
        assert_eq!(first.text(), "data: {\"token\":\"Hel\"}\n\n");
        assert_eq!(second.text(), "data: {\"token\":\"lo\"}\n\n");
        assert_eq!(done.text(), "event: done\ndata: {\"tokens\":2}\n\n");
        // The model pauses from when it has sent the first; passing that on takes the time that it takes.
        let (first, second) = (first.at, second.at);
        assert!(first < Duration::from_secs(2) && second >= Duration::from_secs(3), "{first:?} and {second:?}");
        assert!(response.outcome().is_success());
    }
    let asked = &model.requests()[2];
    assert_eq!((asked.method.as_str(), asked.origin.as_str(), asked.path.as_str()), ("POST", OPENAI, "/v1/chat/completions"));
    assert_eq!(asked.header("authorization"), Some("Bearer secret"));
    let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
    assert_eq!(body, json!({ "model": "small", "stream": true, "messages": [{ "role": "user", "content": "hi" }] }));
}

#[test]
fn a_model_that_fails_is_an_error_event() {
    let model = Upstream::new(|request| match &request.body {
        body if body.windows(6).any(|word| word == b"refuse") => Answer::new(429).chunk("slow down"),
        _ => Answer::new(200).chunk(chunk("Hel")).pause(Duration::from_millis(50)).break_off(),
    });
    let chat = chat(&model);
    let broken = talk(&chat, "hi").text();
    assert!(broken.starts_with("data: {\"token\":\"Hel\"}\n\nevent: error\ndata: {\"message\":"), "{broken}");
    let refused = talk(&chat, "refuse").text();
    assert!(refused.starts_with("event: error\n") && refused.contains("status 429: slow down"), "{refused}");
}

#[test]
fn a_silent_model_is_waited_for_with_pings() {
    let model = Upstream::new(|_| {
        let answer = Answer::new(200).after(Duration::from_secs(40)).chunk(chunk("Hel"));
        answer.pause(Duration::from_secs(17)).chunk(chunk("lo")).chunk("data: [DONE]\n\n")
    });
    let response = talk(&chat(&model), "hi");
    let expected = [
        (15, ": ping\n\n"),
        (30, ": ping\n\n"),
        (40, "data: {\"token\":\"Hel\"}\n\n"),
        (55, ": ping\n\n"),
        (57, "data: {\"token\":\"lo\"}\n\n"),
        (57, "event: done\ndata: {\"tokens\":2}\n\n"),
    ];
    assert_eq!(timeline(&response), expected);
}

#[test]
fn a_model_that_stops_is_given_up_after_a_minute() {
    let model = Upstream::new(|request| match &request.body {
        body if body.windows(4).any(|word| word == b"stop") => Answer::new(200).chunk(chunk("Hel")).pause(Duration::MAX),
        _ => Answer::new(200).after(Duration::MAX),
    });
    let chat = chat(&model).timeout(Duration::from_secs(300));
    for (text, expected) in [("stop", "stopped in the middle of its answer"), ("silence", "did not answer in time")] {
        let response = talk(&chat, text);
        let last = response.chunks().last().expect("an event");
        assert!(last.text().starts_with("event: error\n") && last.text().contains(expected), "{text}: {}", last.text());
        assert!((60..70).contains(&last.at.as_secs()), "{text}: {:?}", last.at);
        assert!(response.outcome().is_success());
    }
    // The function's own deadline comes first if it is shorter.
    let response = talk(&chat.timeout(Duration::from_secs(20)), "stop");
    assert_eq!(response.outcome().failure().map(|failure| failure.error_type.as_str()), Some("Runtime.DeadlineExceeded"));
}

#[test]
fn a_model_that_is_not_allowed_is_not_asked() {
    let model = Upstream::new(|_| Answer::new(200));
    let environment = [("CHAT_BASE_URL", OPENAI), ("FIRSTBYTE_ALLOW_HTTP", "https://api.example.com")];
    let chat = Component::of_this_crate_with(environment).answering(OPENAI, &model);
    let text = talk(&chat, "hi").text();
    assert!(text.starts_with("event: error\n") && text.contains("FIRSTBYTE_ALLOW_HTTP has to name it"), "{text}");
    assert_eq!(model.requests().len(), 0);
}

#[test]
fn a_model_that_nobody_plays_is_no_model() {
    let response = talk(&Component::of_this_crate_with([("CHAT_BASE_URL", OPENAI), ("FIRSTBYTE_ALLOW_HTTP", OPENAI)]), "hi");
    assert!(response.text().contains("nobody answers for https://api.openai.com in this test"), "{}", response.text());
}

#[test]
fn without_a_model_nothing_starts() {
    let response =
        Component::of_this_crate().invoke(Event::direct(&json!({ "messages": [{ "role": "user", "content": "hi" }] })));
    let failure = response.outcome().failure().expect("a failure");
    assert_eq!((failure.error_type.as_str(), response.is_started()), ("Function.Configuration", false));
}
