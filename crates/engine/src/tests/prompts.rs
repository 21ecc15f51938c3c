//! What workers are told.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{AppendNotes, ResumeRun, SetTask, TaskAuthor};
use agent_runner_model::attempt::{AttemptEnd, TimeoutKind};
use agent_runner_model::manifest::Rejection;
use agent_runner_model::phase::PromptKind;
use agent_runner_model::spec::OrphanPolicy;
use agent_runner_model::task::TaskStatus;
use agent_runner_model::vars::{RuntimeVar, VarProvenance, VarValue};

use super::world::{World, turn};
use crate::compose;

#[tokio::test]
async fn a_nudge_names_each_open_task_and_what_is_wrong_with_it() {
    let world = World::new(vec![
        turn("true", AttemptEnd::Reported),
        turn("true", AttemptEnd::TimedOut { limit: TimeoutKind::Wall }),
        turn("true", AttemptEnd::Crashed { detail: "it fell over".to_owned() }),
        turn("true", AttemptEnd::Reported),
    ]);
    let run_id = world.create(&["Sweep the floor", "Water the plants", "Close the door"], 3).await;
    let manifest = world.manifest(&run_id).await;
    let tasks: Vec<_> = manifest.state.final_tasks.keys().cloned().collect();
    let run = run_id.to_string();
    for (task, status) in [(&tasks[0], TaskStatus::Completed), (&tasks[1], TaskStatus::InProgress)] {
        let request = SetTask {
            run: run.clone(),
            task: task.clone(),
            author: TaskAuthor::Person,
            status: Some(status),
            notes: None,
        };
        world.engine.call(request).await.unwrap();
    }
    let request = AppendNotes {
        run: run.clone(),
        task: tasks[1].clone(),
        author: TaskAuthor::Person,
        text: "the can is empty".to_owned(),
        request_id: None,
    };
    world.engine.call(request).await.unwrap();
    world.drive(&run_id).await.unwrap();

    let prompts = world.prompts.lock().unwrap().clone();
    assert_eq!(prompts.len(), 4);
    assert_eq!(prompts[0], manifest.spec.brief, "the first attempt gets the brief as it was frozen");
    assert!(
        prompts[0].contains("do it") && prompts[0].contains(&format!("task list {run}")),
        "{}",
        prompts[0]
    );
    let reasons = ["Your turn ended", "time ran out (3600 seconds)", "it fell over"];
    for (prompt, reason) in prompts[1..].iter().zip(reasons) {
        assert!(prompt.contains(reason), "{prompt}");
        assert!(prompt.contains("2 of 3 tasks are still open"), "{prompt}");
        assert!(!prompt.contains("Sweep the floor"), "{prompt}");
        assert!(prompt.contains(&format!("`{}` Water the plants (in progress", tasks[1])), "{prompt}");
        assert!(
            prompt.starts_with(&manifest.spec.brief),
            "without a session to go on with, all is said again"
        );
        assert!(prompt.contains("newest note: the can is empty"), "{prompt}");
        assert!(prompt.contains(&format!("`{}` Close the door (pending: nothing was reported", tasks[2])));
        assert!(prompt.contains(&format!("agent-runner task set {run} <task-id>")), "{prompt}");
    }
}

#[tokio::test]
async fn an_answer_to_a_blocked_run_is_passed_on_as_it_is() {
    let world =
        World::new(vec![turn("echo session=s-1", AttemptEnd::Reported), turn("true", AttemptEnd::Reported)]);
    let run_id = world.create(&["Ask"], 0).await;
    let manifest = world.manifest(&run_id).await;
    let request = SetTask {
        run: run_id.to_string(),
        task: manifest.state.final_tasks.keys().next().unwrap().clone(),
        author: TaskAuthor::Person,
        status: Some(TaskStatus::Blocked),
        notes: None,
    };
    world.engine.call(request).await.unwrap();
    world.drive(&run_id).await.unwrap();
    let resume = |message: Option<&str>| ResumeRun {
        on_limit: None,
        run: run_id.to_string(),
        message: message.map(str::to_owned),
        add_tasks: Vec::new(),
        on_orphan: OrphanPolicy::Abort,
        take_over: false,
        tell_parent: None,
    };
    let refused = world.engine.call(resume(None)).await.unwrap_err();
    assert!(refused.message.contains("needs a message"), "{}", refused.message);
    world.engine.call(resume(Some("Take the blue one."))).await.unwrap();
    world.drive(&run_id).await.unwrap();
    assert_eq!(world.prompts.lock().unwrap()[1], "Take the blue one.\n");
}

/// The prompts of a session that was opened with words, when its first turn ends so.
async fn told(end: AttemptEnd) -> Vec<String> {
    let world = World::new(vec![
        turn("echo session=s-1", AttemptEnd::Reported),
        turn("true", AttemptEnd::Reported),
        turn("true", end),
        turn("true", AttemptEnd::Reported),
        turn("true", AttemptEnd::Reported),
    ]);
    let run_id = world.create(&["Ask"], 1).await;
    world.drive(&run_id).await.unwrap();
    let request = ResumeRun {
        on_limit: None,
        run: run_id.to_string(),
        message: Some("Take the blue one.".to_owned()),
        add_tasks: Vec::new(),
        on_orphan: OrphanPolicy::Abort,
        take_over: false,
        tell_parent: None,
    };
    world.engine.call(request).await.unwrap();
    world.drive(&run_id).await.unwrap();
    let prompts = world.prompts.lock().unwrap();
    prompts[2..].to_vec()
}

#[tokio::test]
async fn words_that_were_perhaps_not_taken_up_are_said_again() {
    let prompts = told(AttemptEnd::Crashed { detail: "killed by signal 9".to_owned() }).await;
    assert!(prompts[0].contains("Take the blue one."), "{}", prompts[0]);
    assert!(prompts[1].contains("Take the blue one."), "{}", prompts[1]);
    assert!(prompts[1].contains("Your last turn failed: killed by signal 9."), "{}", prompts[1]);
    // A turn that ended well shows that they were heard.
    let prompts = told(AttemptEnd::Reported).await;
    assert!(!prompts[1].contains("Take the blue one."), "{}", prompts[1]);
}

#[tokio::test]
async fn prompts_of_an_assignment_are_filled_at_once_and_their_own_names_come_first() {
    let world = World::new(Vec::new());
    let run_id = world.create(&["Sweep the floor"], 0).await;
    let mut manifest = world.manifest(&run_id).await;
    let words = "{{objection}} {{open_count}} {{thing}} {{run_id}} {{nothing}}";
    manifest.spec.template.prompts.insert(PromptKind::Nudge, words.to_owned());
    for (name, value) in [("objection", "eaten"), ("thing", "{{objection}} {{run_id}}")] {
        let var = RuntimeVar {
            value: VarValue::Text(value.to_owned()),
            source: VarProvenance::Cli,
            env_name: None,
            inherited_from_run_id: None,
        };
        manifest.spec.runtime_vars.insert(name.to_owned(), var);
    }
    let detail = "the tests fail: {{thing}}".to_owned();
    manifest.state.rejection = Some(Rejection { by: "tests".to_owned(), detail, insists: false });
    let places = compose::Places::new(world.engine.config(), agent_runner_store::repo_bucket);
    let told = compose::prompt(&manifest, PromptKind::Nudge, true, &places);
    let expected = format!(
        "the tests fail: {{{{thing}}}} 1 {{{{objection}}}} {{{{run_id}}}} {run_id} {{{{nothing}}}}\n"
    );
    assert_eq!(told.strip_prefix(&format!("{}\n", manifest.spec.brief)), Some(expected.as_str()));
}
