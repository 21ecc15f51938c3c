//! Output that no client should print: the reader survives it, keeps little, and does not take it for success.

use agent_runner_backends::{TurnEvent, TurnReader};
use agent_runner_model::attempt::AttemptEnd;
use agent_runner_supervisor::{Exit, Source};

use crate::replay::{lines, reader, replay, then, transcript};

const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"5648d653-57d5","model":"m"}"#;
const DONE: &str =
    r#"{"type":"result","subtype":"success","is_error":false,"session_id":"5648d653-57d5","result":"done"}"#;

fn feed(reader: &mut dyn TurnReader, line: impl AsRef<[u8]>) -> Vec<TurnEvent> {
    reader.line(Source::Stdout, line.as_ref(), false, then())
}

fn feed_cut(reader: &mut dyn TurnReader, line: impl AsRef<[u8]>) -> Vec<TurnEvent> {
    reader.line(Source::Stdout, line.as_ref(), true, then())
}

/// The end of a turn of these lines, after its beginning.
fn end_of(lines: &[&str], exit: Exit) -> AttemptEnd {
    let mut reader = reader();
    feed(&mut *reader, INIT);
    for line in lines {
        feed(&mut *reader, line);
    }
    reader.finish(exit).end
}

#[test]
fn noise_between_the_lines_changes_nothing() {
    let noises: &[&[u8]] = &[
        b"",
        b"   ",
        b"\0\0\0",
        b"Debugger attached.",
        b"\xff\xfe\x00garbage\x80",
        b"null",
        b"[]",
        b"[1,2,3]",
        b"42",
        b"\"text\"",
        b"{}",
        b"{",
        b"{\"type\":\"result\"",
        b"{\"type\":7}",
        b"{\"type\":\"nothing known\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}}",
        b"{\"type\":\"assistant\",\"message\":\"a text\"}",
        b"{\"type\":\"assistant\",\"message\":{\"content\":\"a text\"}}",
        b"{\"type\":\"assistant\",\"message\":{\"content\":[null,1,[],{\"type\":[]}]}}",
        b"{\"type\":\"system\",\"subtype\":\"api_retry\",\"retry_delay_ms\":-5,\"attempt\":\"x\"}",
        b"{\"type\":\"rate_limit_event\",\"rate_limit_info\":[]}",
        b"{\"type\":\"stream_event\",\"event\":null}",
        b"{\"type\":\"user\",\"message\":{\"content\":[{\"type\":\"tool_result\"}]}}",
    ];
    for noise in noises {
        let mut reader = reader();
        feed(&mut *reader, INIT);
        feed(&mut *reader, noise);
        feed(&mut *reader, DONE);
        feed(&mut *reader, noise);
        let report = reader.finish(Exit::Code(0));
        // Half a result is a result that does not say how it went.
        let expects_success = !noise.starts_with(b"{\"type\":\"result\"");
        assert_eq!(
            report.end == AttemptEnd::Reported,
            expects_success,
            "{:?}",
            String::from_utf8_lossy(noise)
        );
    }
}

#[test]
fn a_program_that_is_not_claude_is_found_out() {
    let end = |line: &str, exit| {
        let mut reader = reader();
        feed(&mut *reader, line);
        reader.finish(exit).end
    };
    for exit in [Exit::Code(0), Exit::Code(1)] {
        let told = end("Hello, I am a language server", exit);
        assert!(
            matches!(&told, AttemptEnd::ProtocolError { detail } if detail.contains("language server")),
            "{told:?}"
        );
    }
    assert!(matches!(end("Hello", Exit::Signal(9)), AttemptEnd::Crashed { .. }));
    assert!(matches!(end("", Exit::Code(0)), AttemptEnd::ProtocolError { .. }));
    assert!(matches!(end("", Exit::Code(1)), AttemptEnd::Crashed { .. }));
}

#[test]
fn an_exit_code_of_zero_without_a_result_is_no_success() {
    assert!(matches!(end_of(&[], Exit::Code(0)), AttemptEnd::ProtocolError { .. }));
    let said =
        r#"{"type":"assistant","message":{"model":"m","content":[{"type":"text","text":"all done"}]}}"#;
    assert!(matches!(end_of(&[said], Exit::Code(0)), AttemptEnd::ProtocolError { .. }));
    assert!(
        matches!(end_of(&[DONE, said], Exit::Code(0)), AttemptEnd::ProtocolError { .. }),
        "a turn was begun anew"
    );
    assert_eq!(end_of(&[DONE], Exit::Code(1)), AttemptEnd::Reported, "the exit code says nothing");
    assert_eq!(end_of(&[DONE], Exit::Signal(15)), AttemptEnd::Reported);
}

#[test]
fn limits_of_turns_are_no_failure_and_budgets_are() {
    let turns =
        r#"{"type":"result","subtype":"error_max_turns","is_error":true,"errors":["Reached maximum turns"]}"#;
    assert_eq!(end_of(&[turns], Exit::Code(1)), AttemptEnd::Reported);
    let inner = r#"{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["boom"]}"#;
    let end = end_of(&[inner], Exit::Code(1));
    assert!(matches!(&end, AttemptEnd::Crashed { detail } if detail.contains("boom")), "{end:?}");
}

#[test]
fn statuses_tell_where_words_do_not() {
    for (status, expected) in [
        (401, "misconfigured"),
        (403, "misconfigured"),
        (402, "misconfigured"),
        (404, "misconfigured"),
        (429, "limited"),
        (500, "overloaded"),
        (502, "overloaded"),
        (503, "overloaded"),
        (504, "overloaded"),
        (520, "overloaded"),
        (529, "overloaded"),
        (400, "crashed"),
        (413, "crashed"),
    ] {
        let line = format!(
            r#"{{"type":"result","subtype":"success","is_error":true,"terminal_reason":"api_error","api_error_status":{status},"result":"no"}}"#
        );
        assert_eq!(end_of(&[&line], Exit::Code(1)).class().as_str(), expected, "{status}");
    }
    for (words, expected) in [
        ("Claude AI usage limit reached|1795163868", "limited"),
        ("API Error: Unable to connect to API (ECONNREFUSED)", "network"),
        ("API Error: Output blocked by content filtering policy", "crashed"),
        ("API Error: Request was aborted.", "crashed"),
        ("API Error: Unable to connect to API: Self-signed certificate detected", "misconfigured"),
        ("API Error: Unable to connect to API (CERT_HAS_EXPIRED)", "misconfigured"),
        ("API Error: 529 Overloaded", "overloaded"),
        ("API Error: Request rejected (429) · slow down", "limited"),
        ("Credit balance is too low", "crashed"),
    ] {
        // A client that gives no figures.
        let line = format!(r#"{{"type":"result","subtype":"success","is_error":true,"result":"{words}"}}"#);
        assert_eq!(end_of(&[&line], Exit::Code(1)).class().as_str(), expected, "{words}");
    }
}

#[test]
fn a_result_that_was_cut_says_as_much_as_is_left() {
    let long = "x".repeat(100_000);
    let early = r#"{"duration_api_ms":3,"stop_reason":"end_turn","session_id":"5648d653-57d5","total_cost_usd":0.5,"usage":{"input_tokens":1,"output_tokens":2},"permission_denials":[{"tool_name":"Write","tool_use_id":"t1","tool_input":{"file_path":"/f","content":""#;
    let late = format!(
        r#"{{"stop_reason":"end_turn","total_cost_usd":0.5,"terminal_reason":"completed","is_error":false,"subtype":"success","result":"{long}"#
    );
    let cut_early = format!("{early}{long}");
    let end = |line: &str, exit| {
        let mut reader = reader();
        feed(&mut *reader, INIT);
        let events = feed_cut(&mut *reader, line);
        (reader.finish(exit), events)
    };
    let (report, events) = end(&cut_early, Exit::Code(0));
    assert_eq!(report.end, AttemptEnd::Reported, "the model was done, and the client ended well");
    assert_eq!(report.meter.unwrap().cost_micro_usd, 500_000);
    assert_eq!(report.usage.output_tokens, Some(2));
    assert!(
        events.iter().any(|event| matches!(event, TurnEvent::Permission { detail, .. } if detail == "/f"))
    );
    assert_ne!(end(&cut_early, Exit::Code(1)).0.end, AttemptEnd::Reported);
    assert_ne!(
        end(&cut_early.replace("end_turn", "stop_sequence"), Exit::Code(0)).0.end,
        AttemptEnd::Reported
    );
    assert_eq!(end(&late, Exit::Code(1)).0.end, AttemptEnd::Reported);
    assert_ne!(end(&late.replace("false", "true"), Exit::Code(0)).0.end, AttemptEnd::Reported);
}

#[test]
fn long_messages_and_results_of_tools_are_read_as_far_as_they_go() {
    let long = "ü\\n".repeat(300_000);
    let mut reader = reader();
    feed(&mut *reader, INIT);
    let call = format!(
        r#"{{"type":"assistant","message":{{"content":[{{"type":"tool_use","id":"t1","name":"Write","input":{{"file_path":"/f","content":"{long}"#
    );
    let events = feed_cut(&mut *reader, &call[..call.len() - 1]);
    assert!(
        matches!(&events[..], [TurnEvent::ToolStarted { id, name, summary }] if id == "t1" && name == "Write" && summary == "/f"),
        "{events:?}"
    );
    let answer =
        format!(r#"{{"type":"user","message":{{"content":[{{"type":"tool_result","content":"{long}"#);
    let events = feed_cut(&mut *reader, &answer);
    assert!(
        matches!(&events[..], [TurnEvent::ToolFinished { id, is_error: false, summary }] if id == "t1" && summary.chars().count() < 400),
        "the only call there is must be the one that ended"
    );
    let said = format!(r#"{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{long}"#);
    let events = feed_cut(&mut *reader, &said);
    assert!(
        matches!(&events[..], [TurnEvent::Message { text }] if text.len() <= 65 * 1024),
        "{}",
        events.len()
    );
}

#[test]
fn a_hundred_megabytes_and_deep_nesting_are_survived() {
    let mut reader = reader();
    feed(&mut *reader, INIT);
    feed(&mut *reader, vec![b'x'; 100 << 20]);
    let mut deep =
        br#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t","name":"odd","input":"#
            .to_vec();
    deep.extend(vec![b'['; 2_000_000]);
    let events = feed(&mut *reader, &deep);
    assert!(matches!(&events[..], [TurnEvent::ToolStarted { .. }]), "{events:?}");
    deep.extend(vec![b']'; 2_000_000]);
    deep.extend(b"}]}}");
    feed(&mut *reader, &deep);
    let huge = format!(
        r#"{{"type":"result","subtype":"success","is_error":false,"result":"{}"}}"#,
        "y".repeat(100 << 20)
    );
    let events = feed(&mut *reader, &huge);
    assert!(
        events.iter().all(|event| !matches!(event, TurnEvent::Message { text } if text.len() > 65 * 1024))
    );
    let report = reader.finish(Exit::Code(0));
    assert_eq!(report.end, AttemptEnd::Reported);
    assert!(report.output_tail.len() <= 16 * 1024);
}

#[test]
fn floods_are_answered_by_floods_of_small_events_only() {
    let mut reader = reader();
    feed(&mut *reader, INIT);
    let blocks = r#"{"type":"text","text":"x"},"#.repeat(50_000);
    let line = format!(r#"{{"type":"assistant","message":{{"content":[{}{{}}]}}}}"#, blocks);
    assert!(feed(&mut *reader, &line).len() <= 256);
    let denials = r#"{"tool_name":"Bash","tool_input":{"command":"x"}},"#.repeat(50_000);
    let line = format!(
        r#"{{"type":"result","is_error":false,"subtype":"success","permission_denials":[{denials}{{}}]}}"#
    );
    assert!(feed(&mut *reader, &line).len() <= 300);
    for number in 0..100_000 {
        let line = format!(
            r#"{{"type":"assistant","message":{{"content":[{{"type":"tool_use","id":"t{number}","name":"Bash","input":{{"command":"x"}}}}]}}}}"#
        );
        assert_eq!(feed(&mut *reader, &line).len(), 1);
    }
}

#[test]
fn texts_are_cleaned_before_anybody_sees_them() {
    let mut reader = reader();
    let said =
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":"a\u001b[31mb\u0007\tc\nd"}]}}"#;
    assert_eq!(
        feed(&mut *reader, said),
        [TurnEvent::Message { text: "a\u{FFFD}[31mb\u{FFFD}\tc\nd".to_owned() }]
    );
    let call = r#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"a\u001b]0;x\u0007\n  b"}}]}}"#;
    let events = feed(&mut *reader, call);
    assert!(
        matches!(&events[..], [TurnEvent::ToolStarted { summary, .. }] if summary == "a ]0;x b"),
        "{events:?}"
    );
    let half = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"half \ud83d and \ud83d\ude00 and \ude00 \\ud83d"}]}}"#;
    assert_eq!(
        feed(&mut *reader, half),
        [TurnEvent::Message { text: "half \u{FFFD} and \u{1F600} and \u{FFFD} \\ud83d".to_owned() }]
    );
    reader.line(Source::Stderr, b"\x1b[1mboom\x07\xff", false, then());
    assert!(!reader.finish(Exit::Code(1)).output_tail.contains(['\u{1b}', '\u{7}']));
}

#[test]
fn what_is_no_session_id_is_not_taken_for_one() {
    for id in ["--dangerously-skip-permissions", "../../etc", "a b", "", "-x", &"x".repeat(200)] {
        let mut reader = reader();
        let line = format!(r#"{{"type":"system","subtype":"init","session_id":"{id}","model":"m"}}"#);
        assert_eq!(feed(&mut *reader, line), [], "{id}");
    }
}

#[test]
fn limits_come_with_their_time_and_warnings_once() {
    let reset = then().as_millis() / 1000 + 3600;
    let event = |status: &str, more: &str| {
        format!(
            r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"{status}","rateLimitType":"five_hour"{more}}}}}"#
        )
    };
    let mut reader = reader();
    feed(&mut *reader, INIT);
    assert_eq!(feed(&mut *reader, event("allowed", "")), []);
    let warning = event("allowed_warning", r#","utilization":0.93"#);
    assert_eq!(feed(&mut *reader, &warning).len(), 1);
    assert_eq!(feed(&mut *reader, &warning), [], "once is enough");
    let events = feed(&mut *reader, event("rejected", &format!(r#","resetsAt":{reset}"#)));
    assert!(
        matches!(&events[..], [TurnEvent::Limit { reset_at: Some(at), .. }] if at.as_millis() == reset * 1000),
        "{events:?}"
    );
    // The client dies before it says more.
    assert!(matches!(
        reader.finish(Exit::Code(1)).end,
        AttemptEnd::Limited { reset_at: Some(at), .. } if at.as_millis() == reset * 1000
    ));
    let windows = format!(
        r#","unifiedWindows":{{"five_hour":{{"status":"rejected","resetsAt":{reset}}},"seven_day":{{"status":"rejected","resetsAt":{}}},"other":{{"status":"allowed","resetsAt":{}}}}}"#,
        reset + 60,
        reset + 600,
    );
    let mut reader = crate::replay::reader();
    let events = feed(&mut *reader, event("rejected", &windows));
    assert!(
        matches!(&events[..], [TurnEvent::Limit { reset_at: Some(at), .. }] if at.as_millis() == (reset + 60) * 1000),
        "the last window to open counts: {events:?}"
    );
    for nonsense in ["0", "-1", "1e300", "\"soon\"", "1", "99999999999999999999"] {
        let events = feed(&mut *reader, event("rejected", &format!(r#","resetsAt":{nonsense}"#)));
        assert!(matches!(&events[..], [TurnEvent::Limit { reset_at: None, .. }]), "{nonsense}: {events:?}");
    }
}

#[test]
fn a_limit_that_was_overcome_is_forgotten() {
    let limit = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected"}}"#;
    let answer = r#"{"type":"assistant","message":{"model":"m","content":[{"type":"text","text":"on"}]}}"#;
    assert!(matches!(end_of(&[limit], Exit::Code(1)), AttemptEnd::Limited { .. }));
    assert!(matches!(end_of(&[limit, answer], Exit::Code(1)), AttemptEnd::Crashed { .. }));
}

#[test]
fn extra_usage_that_pays_for_more_is_no_limit() {
    let event = |overage: &str| {
        format!(
            r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"rejected","resetsAt":1795171669.69,"rateLimitType":"five_hour",{overage}}}}}"#
        )
    };
    let paid = event(r#""overageStatus":"allowed","isUsingOverage":true"#);
    let mut reader = reader();
    feed(&mut *reader, INIT);
    let told = feed(&mut *reader, &paid);
    assert!(matches!(&told[..], [TurnEvent::Notice { text }] if text.contains("extra usage")), "{told:?}");
    assert_eq!(feed(&mut *reader, &paid), [], "once is enough");
    assert!(matches!(reader.finish(Exit::Code(1)).end, AttemptEnd::Crashed { .. }));

    let unpaid = event(r#""overageStatus":"allowed","isUsingOverage":false"#);
    let used_up = event(r#""overageStatus":"rejected","isUsingOverage":true"#);
    for limit in [&unpaid, &used_up] {
        assert!(matches!(end_of(&[limit], Exit::Code(1)), AttemptEnd::Limited { .. }), "{limit}");
        assert!(matches!(end_of(&[limit, &paid], Exit::Code(1)), AttemptEnd::Crashed { .. }), "{limit}");
    }
}

#[test]
fn sub_agents_do_not_speak_for_the_turn() {
    let said = r#"{"type":"assistant","parent_tool_use_id":"t1","task_description":"look","message":{"content":[{"type":"text","text":"I am the sub-agent"}]}}"#;
    let broke = r#"{"type":"assistant","parent_tool_use_id":"t1","error":"rate_limit","message":{"content":[{"type":"text","text":"limit"}]}}"#;
    let mut reader = reader();
    feed(&mut *reader, INIT);
    let events = feed(&mut *reader, said);
    assert!(
        matches!(&events[..], [TurnEvent::Notice { text }] if text.contains("look") && text.contains("I am"))
    );
    assert!(matches!(&feed(&mut *reader, broke)[..], [TurnEvent::Notice { .. }]));
    let delta = r#"{"type":"stream_event","parent_tool_use_id":"t1","event":{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}}"#;
    assert_eq!(feed(&mut *reader, delta), []);
    assert!(
        matches!(reader.finish(Exit::Code(1)).end, AttemptEnd::Crashed { .. }),
        "its limit is not the turn's"
    );
}

#[test]
fn only_what_a_person_would_miss_is_told_of_a_refusal() {
    // The refusal is told when it happens and again in the result.
    let turn = replay(&transcript("restricted-denied"));
    assert_eq!(turn.permissions().len(), 1);
    // A result alone tells it too.
    let transcript = transcript("restricted-denied");
    let result = lines(&transcript.stdout).pop().unwrap();
    let events = feed(&mut *reader(), result);
    let told = events.iter().find_map(|event| match event {
        TurnEvent::Permission { tool, detail } => Some((tool.as_str(), detail.as_str())),
        _ => None,
    });
    assert_eq!(told, Some(("Bash", "touch f")));
}
