use std::time::Duration;

use firstbyte_testing::{Answer, Component, Event, Upstream};
use serde_json::json;

const MODEL: &str = "https://api.openai.com";

fn ask(model: &Upstream) -> firstbyte_testing::Response {
    let settings = [("FIRSTBYTE_ALLOW_HTTP", MODEL), ("MODEL_KEY", "secret")];
    // The test answers for the model, and on a paused clock waiting takes no time.
    let handler = Component::of_this_crate_with(settings).answering(MODEL, model).paused();
    handler.invoke(Event::function_url().json(&json!({ "prompt": "Say hello" })))
}

fn piece(token: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": token } }] }))
}

#[test]
fn each_token_is_passed_on_when_it_comes() {
    let model = Upstream::new(|_| {
        let answer = Answer::new(200).header("content-type", "text/event-stream").chunk(piece("Hel"));
        answer.pause(Duration::from_secs(20)).chunk(piece("lo")).chunk("data: [DONE]\n\n")
    });
    let response = ask(&model);
    let events: Vec<(u64, &str)> = response.chunks().iter().map(|chunk| (chunk.at.as_secs(), chunk.text())).collect();
    assert_eq!(
        events,
        [
            (0, "data: {\"token\":\"Hel\"}\n\n"),
            (15, ": ping\n\n"),
            (20, "data: {\"token\":\"lo\"}\n\n"),
            (20, "event: done\ndata: \n\n"),
        ]
    );
    assert_eq!(model.requests()[0].header("authorization"), Some("Bearer secret"));
}

#[test]
fn an_answer_that_breaks_off_is_told() {
    let response = ask(&Upstream::new(|_| Answer::new(200).chunk(piece("Hel")).break_off()));
    assert!(response.text().contains("event: error\n"), "{}", response.text());
    assert!(!response.outcome().is_success());
}
