//! Ceilings on answers of the model: kept while the client works, shared out, raised.

use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Command, Manifest as _, World};

/// A client that prints what the real one prints of its answers. In the script, `answer NAME` begins an answer and shows
/// two parts of it, `aside NAME` is one of a sub-agent, `done_now` ends the turn; `$PROMPT` is what it was told, `$SEEN`
/// whether it goes on with a conversation.
fn client(world: &World, script: &str) -> String {
    let root = world.root().display();
    let text = format!(
        r#"#!/bin/sh
W='{root}'
PROMPT=$(cat)
printf '%s\n' "$PROMPT" >> "$W/told"
SEEN=; for word in "$@"; do [ "$word" = --resume ] && SEEN=1; done
line() {{ printf '%s\n' "$1"; }}
begin() {{ line '{{"type":"stream_event","event":{{"type":"message_start","message":{{"id":"'$1'"}}}},"session_id":"s","parent_tool_use_id":'$2'}}'; }}
part() {{ line '{{"type":"assistant","message":{{"id":"'$1'","content":[{{"type":"text","text":"I am '$1'."}}]}},"session_id":"s","parent_tool_use_id":'$2'}}'; }}
answer() {{ begin $1 null; part $1 null; part $1 null; }}
aside() {{ begin $1 '"call"'; part $1 '"call"'; }}
complete() {{ "$AGENT_RUNNER_CMD" task set "$AGENT_RUNNER_RUN_ID" $1 --status completed >> "$W/reports" 2>&1; }}
done_now() {{ line '{{"type":"result","subtype":"success","is_error":false,"session_id":"s","result":"done","stop_reason":"end_turn"}}'; exit 0; }}
line '{{"type":"system","subtype":"init","session_id":"s","model":"m"}}'
{script}
"#
    );
    let path = world.write("bin/client", text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn command<'a>(world: &'a World, client: &str, args: &[&str]) -> Command<'a> {
    world.command(args).env("AGENT_RUNNER_CLAUDE_BIN", client)
}

#[test]
fn a_worker_is_stopped_at_the_answer_too_many_and_goes_on_when_more_are_allowed() {
    let world = World::new();
    world.work(&["one"]);
    let client = client(
        &world,
        r#"if [ $SEEN ]; then answer d; complete one; done_now; fi
           answer a; aside s1; aside s2; aside s3; answer b
           # It waits here until it was seen that two are no more than two.
           read go < "$W/go"
           begin c null
           while :; do sleep 1000; done"#,
    );
    let go = world.fifo("go");
    let args =
        ["run", "--backend", "claude", "--assignment", "work", "--budget", "turns=2", "--budget", "soft=50"];
    let running = command(&world, &client, &args).spawn();
    running.wait_for_stdout("I am b.");
    let run = world.only_run();
    let at_work = world.wait_manifest(&run, "two answers are known", |manifest| {
        manifest["state"]["phase"].to_string().contains("\"turns\":2")
    });
    assert_eq!(at_work.ends(), "", "two are allowed");
    go.say("on");
    running.wait().expect_code(2);
    let manifest = world.manifest(&run);
    assert_eq!((manifest.outcome(), manifest.ends().as_str()), ("blocked", "overBudget"));
    let status = world.status(&run);
    assert_eq!((&status["budget"]["over"], &status["usage"]["turns"]), (&"turns".into(), &3.into()));
    let next = format!("run extend {run} --turns N --resume");
    world.ok(&["run", "status", &run]).expect_stdout("3 turns").expect_stdout(&next);

    let refused = command(&world, &client, &["run", "--resume-run", &run]).run().expect_code(3);
    refused.expect_stderr("ceiling of `turns`");
    let extend = ["run", "extend", &run, "--turns", "2", "--resume"];
    command(&world, &client, &extend).run().expect_code(0);
    assert_eq!(world.wait_ended(&run).outcome(), "success");
    assert!(world.read("told").contains("what is left: 1 turn. It is stopped"), "{}", world.read("told"));
    let status = world.status(&run);
    assert_eq!(
        (&status["usage"]["turns"], &status["budget"]["remaining"]["turns"]),
        (&4.into(), &0.into()),
        "{status}"
    );
    world.ok(&["run", "report", &run]).expect_stdout("| Turns | 4 |");
    world.assert_nothing_left();
}

#[test]
fn a_child_gets_a_share_of_the_answers() {
    let world = World::new();
    world.work(&["one"]);
    let client = client(
        &world,
        r#"case $PROMPT in *"small errand"*) answer i; done_now;; *"endless errand"*) answer i; answer j; sleep 1000;; esac
           answer a
           # What an answer has used is on record a moment after it was given.
           until "$AGENT_RUNNER_CMD" run status "$AGENT_RUNNER_RUN_ID" --output-format json | tr -d ' \n' | grep -q '"remaining":{[^}]*"turns":7'; do :; done
           for errand in small:9 small:3 endless:1; do
             "$AGENT_RUNNER_CMD" run --backend claude --budget turns=${errand#*:} "a ${errand%:*} errand" > "$W/out" 2> "$W/err-$errand"
             echo $? >> "$W/codes"
           done
           answer b; complete one; done_now"#,
    );
    let args = ["run", "--backend", "claude", "--assignment", "work", "--budget", "turns=8"];
    let ended = command(&world, &client, &args).arg("--output-format").arg("json").run().expect_code(0);
    assert_eq!(world.lines("codes"), ["3", "0", "2"], "{}", world.everything_known());
    assert!(world.read("err-small:9").contains("7 of `turns` are left"), "{}", world.read("err-small:9"));
    assert_eq!(world.runs().len(), 3, "what was refused left nothing behind");
    // Its own two, the one of the small errand, and the two of the one that was stopped at its second.
    let status = world.status(&ended.run_id());
    assert_eq!((&status["usage"]["turns"], &status["budget"]["reserved"]["turns"]), (&2.into(), &3.into()));
    assert_eq!(status["budget"]["remaining"]["turns"], 3, "{status}");
    world.assert_nothing_left();
}
