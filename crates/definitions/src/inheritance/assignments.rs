//! An assignment over the assignment or the checklist it extends.

use std::collections::BTreeMap;

use agent_runner_model::hook::{HookPhase, HookSpec};
use agent_runner_model::ids::TaskId;
use agent_runner_model::phase::PromptKind;
use agent_runner_model::task::{MAX_TASKS, TaskSpec};
use agent_runner_model::vars::VarSpec;

use super::chain::Heir;
use super::clearing::clear;
use super::locks::{Locked, Own, check};
use super::origins::Origins;
use super::{Authored, Heritage};
use crate::assignment::{AssignedTask, Assignment, AuthoredTask, OwnAssignment};
use crate::checklist;
use crate::diagnostic::Diagnostic;
use crate::fields::{MAX_VARS, PROMPT_KINDS};
use crate::hooks::{arranged, inherited};
use crate::library::Library;
use crate::loading::Loaded;
use crate::similar::similar;
use crate::source::{Kind, Source};

impl Heir for Assignment {
    type Own = OwnAssignment;
    const KIND: Kind = Kind::Assignment;

    fn authored(library: &Library, loaded: Loaded) -> Result<Authored<OwnAssignment>, Vec<Diagnostic>> {
        library.authored_assignment(loaded)
    }

    fn alone(authored: Authored<OwnAssignment>) -> Self {
        let locks = authored.locks(&authored.own.rest.locked_fields);
        let OwnAssignment { mut rest, tasks, refuses_worktree: _ } = authored.own;
        rest.hooks.extend(tasks.iter().flat_map(|task| task.hooks.clone()));
        let tasks: Vec<AssignedTask> = tasks.iter().filter_map(new_task).collect();
        let hooks = arranged(tasks.iter().map(|task| &task.spec.id), rest.hooks);
        Self { tasks, hooks, heritage: Heritage { locks, ..Heritage::default() }, ..rest }
    }

    fn checklist(loaded: &Loaded) -> Option<Result<Self, Vec<Diagnostic>>> {
        // One is named by its path: what is found by a name is an assignment.
        let is_one = matches!(loaded.source, Source::Path(_)) && checklist::is_one(&loaded.page);
        let again = || Loaded::new(loaded.source.clone(), loaded.text.clone(), None);
        is_one.then(|| checklist::parse(again()))
    }

    fn check(&self) -> Vec<Diagnostic> {
        self.check_work()
    }

    fn over(mut base: Self, authored: Authored<OwnAssignment>, problems: &mut Vec<Diagnostic>) -> Self {
        let locked = Locked {
            fields: &base.locked_fields,
            heritage: &base.heritage,
            budget: base.budget,
            instructions: &base.instructions,
        };
        let rest = &authored.own.rest;
        let own = Own { budget: rest.budget, instructions: &rest.instructions };
        let stay = check(&locked, &authored, &own, problems);
        clear(&mut base, &authored, problems);
        let locks = authored.locks(&rest.locked_fields);
        let mut origins = Origins::new(&base.heritage, &base.source, &authored.source);
        let tasks = tasks(base.tasks, &authored, &mut origins, problems);
        let vars = vars(base.vars, &authored, &mut origins, problems);
        let hooks = hooks(base.hooks, &tasks, &authored, &mut origins);
        let refuses_worktree = authored.own.refuses_worktree;
        let own = authored.own.rest;
        let cwd = origins.value("cwd", base.cwd, own.cwd);
        let message = origins.value("message", base.message, own.message);
        let max_retries = origins.value("maxRetries", base.max_retries, own.max_retries);
        let caller_instructions =
            origins.value("callerInstructions", base.caller_instructions, own.caller_instructions);
        let prompts = by_kind(base.prompts, own.prompts, &mut origins);
        let inherited_worktree = base.worktree.filter(|_| !refuses_worktree);
        let worktree = origins.value("worktree", inherited_worktree, own.worktree);
        let budget = origins.budget(base.budget, own.budget);
        let template = origins.value("template", base.template, own.template);
        let locked_fields = origins.locks(&stay, &own.locked_fields);
        let order = authored.wishes.base_instructions;
        let instructions = origins.instructions(&base.instructions, &own.instructions, order);
        let origins = origins.finish();
        Self {
            name: own.name,
            cwd,
            message,
            max_retries,
            caller_instructions,
            tasks,
            vars,
            hooks,
            prompts,
            worktree,
            budget,
            template,
            locked_fields,
            instructions,
            heritage: base.heritage.below(
                (base.name, base.source, base.text),
                origins,
                locks,
                own.instructions,
            ),
            source: own.source,
            text: own.text,
        }
    }
}

/// A task that is nobody's but the definition's own; nothing for one without a title.
fn new_task(task: &AuthoredTask) -> Option<AssignedTask> {
    let AuthoredTask { id, title, body, source, hooks: _, at: _ } = task;
    let body = body.clone().unwrap_or_default();
    Some(AssignedTask {
        spec: TaskSpec { id: id.clone(), title: title.clone()?, body },
        source: source.clone(),
    })
}

/// The base's tasks without those that are removed, changed field by field, and new ones after them.
fn tasks(
    base: Vec<AssignedTask>,
    authored: &Authored<OwnAssignment>,
    origins: &mut Origins<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<AssignedTask> {
    let ids: Vec<String> = base.iter().map(|task| task.spec.id.to_string()).collect();
    let near = |id: &str| match (similar(id, ids.iter().map(String::as_str)).first(), ids.is_empty()) {
        (Some(near), _) => format!("did you mean `{near}`? "),
        (None, true) => "there are no tasks. ".to_owned(),
        (None, false) => format!("there are {}. ", ids.join(", ")),
    };
    let mut tasks = base;
    for id in &authored.wishes.remove_tasks {
        match tasks.iter().position(|task| task.spec.id == *id) {
            Some(at) => drop(tasks.remove(at)),
            None => problems.push(authored.problem(
                authored.item_at("removeTasks", id.as_str()),
                format!("there is no task `{id}` in what this extends"),
                format!("{}Correct the id, or delete it", near(id.as_str())),
            )),
        }
    }
    for task in &tasks {
        origins.kept(&format!("tasks.{}", task.spec.id));
    }
    let inherited = tasks.len();
    for own in &authored.own.tasks {
        let known = tasks.iter_mut().take(inherited).find(|task| task.spec.id == own.id);
        if let Some(task) = known {
            change(task, own, origins);
            continue;
        }
        if tasks.len() == MAX_TASKS {
            problems.push(authored.problem(
                own.at,
                format!("an assignment lists at most {MAX_TASKS} tasks, those it inherits included"),
                "remove some in `removeTasks`, or split the work into several assignments",
            ));
            break;
        }
        match new_task(own) {
            Some(task) => tasks.push(task),
            None => problems.push(authored.problem(
                own.at,
                format!("task `{}` has no title, and there is none in what this extends", own.id),
                format!("{}A new task needs a `title`", near(own.id.as_str())),
            )),
        }
    }
    tasks
}

/// What is written holds; what is not stays as it is.
fn change(task: &mut AssignedTask, own: &AuthoredTask, origins: &mut Origins<'_>) {
    let is_whole = own.title.is_some() && own.body.is_some();
    let name = format!("tasks.{}", own.id);
    if is_whole {
        origins.own(&name)
    } else {
        origins.joined(&name)
    }
    if let Some(title) = &own.title {
        task.spec.title.clone_from(title);
    }
    if let Some(body) = &own.body {
        task.spec.body.clone_from(body);
    }
    if is_whole {
        task.source.clone_from(&own.source);
    }
}

/// The base's hooks, and one's own after them. A task that is removed, or replaced by a task file, takes its hooks along.
fn hooks(
    base: Vec<HookSpec>,
    tasks: &[AssignedTask],
    authored: &Authored<OwnAssignment>,
    origins: &mut Origins<'_>,
) -> Vec<HookSpec> {
    let own = &authored.own;
    let replaced = own.tasks.iter().filter(|task| task.source.is_some()).map(|task| &task.id);
    let gone: Vec<&TaskId> = authored.wishes.remove_tasks.iter().chain(replaced).collect();
    let mut hooks = inherited(base, &gone);
    for phase in HookPhase::ALL {
        let is_there =
            |hooks: &[HookSpec]| hooks.iter().any(|hook| hook.phase == phase && hook.task_scope_id.is_none());
        let name = format!("hooks.{}", phase.as_str());
        match (is_there(&hooks), is_there(&own.rest.hooks)) {
            (true, false) => origins.kept(&name),
            (true, true) => origins.joined(&name),
            (false, _) => {}
        }
    }
    hooks.extend(own.rest.hooks.iter().cloned());
    hooks.extend(own.tasks.iter().flat_map(|task| task.hooks.clone()));
    arranged(tasks.iter().map(|task| &task.spec.id), hooks)
}

/// The base's prompts but for those that one has oneself.
fn by_kind(
    base: BTreeMap<PromptKind, String>,
    own: BTreeMap<PromptKind, String>,
    origins: &mut Origins<'_>,
) -> BTreeMap<PromptKind, String> {
    for (kind, field) in PROMPT_KINDS {
        if base.contains_key(&kind) && !own.contains_key(&kind) {
            origins.kept(&format!("prompts.{field}"));
        }
    }
    base.into_iter().chain(own).collect()
}

/// The base's variables, each replaced by one's own of that name, and new ones after them.
fn vars(
    base: Vec<VarSpec>,
    authored: &Authored<OwnAssignment>,
    origins: &mut Origins<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<VarSpec> {
    let mut vars = base;
    for var in &vars {
        origins.kept(&format!("vars.{}", var.name));
    }
    for own in &authored.own.rest.vars {
        let is_full = vars.len() == MAX_VARS;
        match vars.iter_mut().find(|var| var.name == own.name) {
            Some(var) => {
                *var = own.clone();
                origins.own(&format!("vars.{}", own.name));
            }
            None if is_full => {
                problems.push(authored.problem(
                    authored.key_at("vars", &own.name),
                    format!(
                        "an assignment declares at most {MAX_VARS} variables, those it inherits included"
                    ),
                    "take some out with `clear`, or put values that belong together into one variable",
                ));
                break;
            }
            None => vars.push(own.clone()),
        }
    }
    vars
}
