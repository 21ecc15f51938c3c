//! Operations that are repeated because nobody knows whether they landed.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::{AddTask, AppendNotes, TaskAuthor};

use super::world::World;

#[tokio::test]
async fn a_repeated_request_lands_once_and_answers_the_same() {
    let world = World::new(vec![]);
    let run = world.create(&["one"], 0).await.to_string();
    let add = |title: &str, request: Option<&str>| AddTask {
        run: run.clone(),
        author: TaskAuthor::Person,
        title: title.to_owned(),
        body: String::new(),
        request_id: request.map(str::to_owned),
    };
    let first = world.engine.call(add("two", Some("r-1"))).await.unwrap();
    let again = world.engine.call(add("two", Some("r-1"))).await.unwrap();
    assert_eq!(again, first);
    let other = world.engine.call(add("two", Some("r-2"))).await.unwrap();
    assert_ne!(other.task.id, first.task.id);
    world.engine.call(add("two", None)).await.unwrap();

    let append = |request: &str| AppendNotes {
        run: run.clone(),
        task: first.task.id.clone(),
        author: TaskAuthor::Person,
        text: "once".to_owned(),
        request_id: Some(request.to_owned()),
    };
    world.engine.call(append("r-3")).await.unwrap();
    assert_eq!(world.engine.call(append("r-3")).await.unwrap().task.notes, "once");
    assert!(world.engine.call(append("")).await.is_err());

    let run_id = agent_runner_model::RunId::parse(&run).unwrap();
    assert_eq!(world.manifest(&run_id).await.state.final_tasks.len(), 4);
}
