//! The chat, as its author tests it: the test is the model.

use firstbyte_testing::{Answer, Component, Event, Upstream};
use serde_json::{Value, json};
use std::time::Duration;

fn chunk(token: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": token } }] }))
}

fn chat(model: &Upstream) -> Component {
    let environment = [
        ("CHAT_BASE_URL", model.url()),
        ("CHAT_MODEL", "small"),
        ("CHAT_API_KEY", "secret"),
        ("FIRSTBYTE_ALLOW_HTTP", model.url()),
    ];
    Component::of_this_crate_with(environment)
}

#[test]
fn each_token_is_sent_on_when_it_comes() {
    let model = Upstream::start(|_| {
        let answer = Answer::new(200).header("content-type", "text/event-stream");
        let answer = answer.chunk(chunk("Hel")).pause(Duration::from_millis(300)).chunk(chunk("lo"));
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
        assert!(second.at - first.at >= Duration::from_millis(200), "{:?} and {:?}", first.at, second.at);
        assert!(response.outcome().is_success());
    }
    let asked = &model.requests()[2];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(asked.header("authorization"), Some("Bearer secret"));
    let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
    assert_eq!(body, json!({ "model": "small", "stream": true, "messages": [{ "role": "user", "content": "hi" }] }));
}

#[test]
fn a_model_that_fails_is_an_error_event() {
    let model = Upstream::start(|request| match &request.body {
        body if body.windows(6).any(|word| word == b"refuse") => Answer::new(429).chunk("slow down"),
        _ => Answer::new(200).chunk(chunk("Hel")).pause(Duration::from_millis(50)).break_off(),
    });
    let chat = chat(&model);
    let talk =
        |text: &str| chat.invoke(Event::function_url().json(&json!({ "messages": [{ "role": "user", "content": text }] })));
    let broken = talk("hi").text();
    assert!(broken.starts_with("data: {\"token\":\"Hel\"}\n\nevent: error\ndata: {\"message\":"), "{broken}");
    let refused = talk("refuse").text();
    assert!(refused.starts_with("event: error\n") && refused.contains("status 429: slow down"), "{refused}");
}

#[test]
fn without_a_model_nothing_starts() {
    let response =
        Component::of_this_crate().invoke(Event::direct(&json!({ "messages": [{ "role": "user", "content": "hi" }] })));
    let failure = response.outcome().failure().expect("a failure");
    assert_eq!((failure.error_type.as_str(), response.is_started()), ("Function.Configuration", false));
}
