//! What is offered, in which order, and that the program takes what the shell has made of it.

use crate::harness::World;
use crate::shell::{ALL, Kind, Shell};

const LIST: &str = "# List\n\n- [ ] Sweep the floor\n- [ ] Mop it\n- [ ] Wax it\n";

/// Three runs, the oldest first.
fn runs(world: &World) -> [String; 3] {
    world.write("repo/list.md", LIST);
    ["Monday", "Tuesday morning", "Wednesday"]
        .map(|name| world.init(&["--backend", "passive", "--checklist", "list.md", "--name", name]))
}

fn each(test: impl Fn(&World, &Shell<'_>)) {
    for kind in ALL {
        let world = World::new();
        let shell = Shell::start(&world, kind);
        test(&world, &shell);
    }
}

#[test]
fn commands_flags_and_values_are_completed() {
    each(|world, shell| {
        world.write("repo/list.md", LIST);
        shell.completes("agent-runner run stat", "agent-runner run status");
        shell.completes("agent-runner task append", "agent-runner task append-notes");
        shell.completes("agent-runner list runs --incl", "agent-runner list runs --include-archived");
        shell.completes("agent-runner list runs --status ini", "agent-runner list runs --status initialized");
        shell.completes("agent-runner list runs --status=ini", "agent-runner list runs --status=initialized");
        shell.completes("agent-runner list runs --sort u", "agent-runner list runs --sort updated");
        shell.completes("agent-runner run --backend pas", "agent-runner run --backend passive");
        shell.completes(
            "agent-runner run status @last --field effectiveS",
            "agent-runner run status @last --field effectiveStatus",
        );
        // A value that is called like a command is none.
        shell.completes(
            "agent-runner run --name status --unres",
            "agent-runner run --name status --unrestricted",
        );
        shell.completes("agent-runner man task append", "agent-runner man task append-notes");
        shell.completes("true; X=1 agent-runner run abo", "true; X=1 agent-runner run abort");
        let shown = shell.offers("agent-runner task ", &["list", "show", "set", "append-notes", "delete"]);
        assert!(!shown.contains("See and change"), "those of other commands are not there: {shown}");
        assert_eq!(shown.contains("Delete a pending task"), !shell.kind.is_bash(), "{shown}");
        shell.offers("agent-runner list runs ", &["--cwd", "--repo", "--help"]);
        let shown = shell.offers("agent-runner ", &["run", "man"]);
        assert!(!shown.split_whitespace().any(|word| word == "drive"), "some are for nobody: {shown}");
    });
}

#[test]
fn runs_are_offered_newest_first_and_taken() {
    each(|world, shell| {
        let [monday, tuesday, wednesday] = runs(world);
        let shown = shell.offers("agent-runner run status ", &[&wednesday, &tuesday, &monday]);
        for about in ["initialized 0/3 Wednesday", "initialized 0/3 Tuesday morning"] {
            assert_eq!(shown.contains(about), !shell.kind.is_bash(), "{shown}");
        }
        shell.completes(
            &format!("agent-runner run status {}", &tuesday[..5]),
            &format!("agent-runner run status {tuesday}"),
        );
        shell.runs(&["Name:       Tuesday morning"]);
        shell.completes(
            &format!("agent-runner init --parent-run={}", &monday[..5]),
            &format!("agent-runner init --parent-run={monday}"),
        );
        shell.offers("agent-runner run status @", &["@last", "@-2", "@-3"]);
        shell.completes("agent-runner run status @la", "agent-runner run status @last");
        shell.runs(&["Name:       Wednesday"]);
        shell.completes("agent-runner run status @Wed", "agent-runner run status @Wednesday");
        shell.runs(&["Name:       Wednesday"]);
        shell.completes("agent-runner run status @Tue", "agent-runner run status @Tuesday\\ morning");
        shell.runs(&["Name:       Tuesday morning"]);
        shell.completes("agent-runner run status '@Tue", "agent-runner run status '@Tuesday morning'");
        shell.runs(&["Name:       Tuesday morning"]);
        shell.completes("agent-runner run status \"@Tue", "agent-runner run status \"@Tuesday morning\"");
        shell.runs(&["Name:       Tuesday morning"]);
    });
}

#[test]
fn what_makes_no_sense_for_a_command_is_not_offered() {
    each(|world, shell| {
        let [monday, tuesday, wednesday] = runs(world);
        world.ok(&["run", "archive", &tuesday]);
        world.work(&["one"]);
        world.agent("fake", "echo on > \"$W/at\"; read x < \"$W/gate\"; complete one");
        let (at, gate) = (world.fifo("at"), world.fifo("gate"));
        let busy = world.fake(&["--detach", "--on-busy", "share"]).run().expect_code(0).run_id();
        at.line();
        // Only one is left each time, so it is inserted.
        shell.completes("agent-runner run unarchive ", &format!("agent-runner run unarchive {tuesday}"));
        shell.runs(&[&tuesday]);
        world.ok(&["run", "archive", &tuesday]);
        shell.completes("agent-runner run abort ", &format!("agent-runner run abort {busy}"));
        shell.completes("agent-runner run attach ", &format!("agent-runner run attach {busy}"));
        let shown = shell.offers("agent-runner run reconfigure ", &[&wednesday, &monday]);
        assert!(!shown.contains(&busy), "{shown}");
        shell.leaves("agent-runner recover ");
        let shown = shell.offers("agent-runner run wait ", &[&busy, &wednesday, &monday]);
        assert!(!shown.contains(&tuesday), "what was put away is not offered: {shown}");
        shell.completes(
            &format!("agent-runner run wait {monday} {busy} "),
            &format!("agent-runner run wait {monday} {busy} {wednesday}"),
        );
        shell.completes(
            &format!("agent-runner run status {}", &tuesday[..5]),
            &format!("agent-runner run status {tuesday}"),
        );
        // The newest of all is the one at work.
        shell.completes("agent-runner run abort @", "agent-runner run abort @last");
        gate.release();
        world.ok(&["run", "wait", &busy]);
        shell.leaves("agent-runner run abort ");
    });
}

#[test]
fn words_that_bash_breaks_and_letters_of_several_bytes_are_completed() {
    each(|world, shell| {
        world.write("repo/list.md", LIST);
        let passive = ["--backend", "passive", "--checklist", "list.md"];
        let named = ["--name", "Frühling über alles", "--group-id", "team:one/two"];
        world.init(&[passive.as_slice(), &named].concat());
        shell.completes(
            "agent-runner list runs --group-id team:o",
            "agent-runner list runs --group-id team:one/two",
        );
        shell.completes(
            "agent-runner list runs --group-id=team:o",
            "agent-runner list runs --group-id=team:one/two",
        );
        shell.runs(&["Frühling"]);
        shell.completes("agent-runner run status @Frü", "agent-runner run status @Frühling\\ über\\ alles");
        shell.runs(&["Name:       Frühling über alles"]);
        shell.completes(
            "agent-runner init --name 'über' --parent-run=@Frü",
            "agent-runner init --name 'über' --parent-run=@Frühling\\ über\\ alles",
        );
    });
}

#[test]
fn what_stands_behind_the_cursor_is_left_alone() {
    each(|world, shell| {
        world.write("repo/list.md", LIST);
        world.init(&["--backend", "passive", "--checklist", "list.md", "--name", "Only"]);
        shell.completes_before("agent-runner run stat", " @Only --field name", "agent-runner run status");
        shell.runs(&["\"name\": \"Only\""]);
    });
}

#[test]
fn parts_of_the_run_that_was_named_are_offered() {
    each(|world, shell| {
        let [monday, ..] = runs(world);
        let shown = shell
            .offers(&format!("agent-runner task show {monday} "), &["sweep-the-floor", "mop-it", "wax-it"]);
        assert_eq!(shown.contains("pending Sweep the floor"), !shell.kind.is_bash(), "{shown}");
        let set = format!("agent-runner task set {} mop-it --status in", &monday[..6]);
        shell.completes(&set, &format!("{set}_progress"));
        shell.runs(&["in_progress"]);
        shell.completes("agent-runner task show @Monday mo", "agent-runner task show @Monday mop-it");
        shell.runs(&["status: in_progress"]);
        world.write("repo/plan.md", "Plan");
        let added = world.ok(&["attachment", "add", &monday, "plan.md", "--output-format", "json"]).json();
        let id = added["id"]
            .as_str()
            .or(added["attachment"]["id"].as_str())
            .expect("an attachment has an id")
            .to_owned();
        shell.completes(
            &format!("agent-runner attachment remove {monday} "),
            &format!("agent-runner attachment remove {monday} {id}"),
        );
        shell.leaves("agent-runner task show nobody ");
        let run = format!("agent-runner run set-group {monday} ");
        shell.completes(&format!("{run}{}", &monday[..5]), &format!("{run}{monday}"));
    });
}

#[test]
fn definitions_and_paths_are_offered() {
    each(|world, shell| {
        world.write("repo/my list.md", LIST);
        world.write("repo/inner dir/list.md", LIST);
        world.write(
            "config/tasks/two words.md",
            "---\nschemaVersion: 1\nid: two-words\ntitle: Two words\n---\nDo it.\n",
        );
        world.write("config/agents/broken/agent.md", "---\nno: such: thing\n---\n");
        let shown = shell.offers("agent-runner run --agent ", &["code-reviewer", "implementer", "planner"]);
        assert!(!shown.contains("broken"), "{shown}");
        shell.completes("agent-runner show agent impl", "agent-runner show agent implementer");
        shell.runs(&["implementer"]);
        shell.completes("agent-runner show assignment repo-c", "agent-runner show assignment repo-checkup");
        shell.completes("agent-runner show task review/sec", "agent-runner show task review/security");
        shell.completes("agent-runner run --launcher di", "agent-runner run --launcher direct");
        shell.completes(
            "agent-runner new agent mine --from impl",
            "agent-runner new agent mine --from implementer",
        );
        shell.completes("agent-runner init --checklist my", "agent-runner init --checklist my\\ list.md");
        shell.completes("agent-runner init --checklist=my", "agent-runner init --checklist=my\\ list.md");
        shell.completes("agent-runner run --cwd inn", "agent-runner run --cwd inner\\ dir/");
        shell.completes("agent-runner run --cwd=inn", "agent-runner run --cwd=inner\\ dir/");
        shell.completes("agent-runner run --agent ./inn", "agent-runner run --agent ./inner\\ dir/");
    });
}

#[test]
fn a_definition_whose_name_has_blanks_is_inserted_as_one_word() {
    each(|world, shell| {
        world.write(
            "config/assignments/spring clean/assignment.md",
            "---\nschemaVersion: 1\nname: spring clean\ntasks:\n  - id: one\n    title: One\n---\nDo it.\n",
        );
        let listed = world.ok(&["list", "assignments"]);
        assert!(listed.stdout.contains("spring clean"), "{listed}");
        shell.completes("agent-runner show assignment spr", "agent-runner show assignment spring\\ clean");
        shell.runs(&["spring clean", "one"]);
        shell.completes("agent-runner show assignment 'spr", "agent-runner show assignment 'spring clean'");
        if shell.kind == Kind::Bash {
            shell.completes(
                "agent-runner run --assignment=spr",
                "agent-runner run --assignment=spring\\ clean",
            );
        }
    });
}

#[test]
fn behind_another_command_nothing_is_doubled() {
    each(|world, shell| {
        if shell.kind != Kind::BashWithPackage {
            return;
        }
        world.write("repo/list.md", LIST);
        world.init(&["--backend", "passive", "--checklist", "list.md", "--group-id", "team:one/two"]);
        for (typed, rest) in [
            ("agent-runner list runs --group-id=", "team:one/two"),
            ("agent-runner list runs --group-id team:", "one/two"),
            ("agent-runner list runs --group-id=team:", "one/two"),
            ("agent-runner list runs --group-id=team:o", "ne/two"),
            ("agent-runner run status @la", "st"),
        ] {
            for wrapper in ["nohup ", ""] {
                shell.completes(&format!("{wrapper}{typed}"), &format!("{wrapper}{typed}{rest}"));
            }
        }
    });
}

#[test]
fn paths_with_blanks_and_quotes_are_gone_on_with() {
    each(|world, shell| {
        world.write("repo/sub dir/chores.md", LIST);
        world.write("repo/it's/chores.md", LIST);
        world.write("repo/sub dir/inner/chores.md", LIST);
        for flag in ["--checklist ", "--checklist="] {
            let line = format!("agent-runner init {flag}sub\\ dir/");
            shell.completes(&format!("{line}ch"), &format!("{line}chores.md"));
            let line = format!("agent-runner init {flag}it\\'s/");
            shell.completes(&format!("{line}ch"), &format!("{line}chores.md"));
        }
        for quote in ["'", "\""] {
            let line = format!("agent-runner init --checklist {quote}sub dir/");
            shell.completes(&format!("{line}ch"), &format!("{line}chores.md{quote}"));
        }
        let line = "agent-runner init --backend passive --checklist sub\\ dir/chores.md --cwd sub\\ dir/in";
        shell.completes(line, &format!("{line}ner/"));
        let line = "agent-runner init --backend passive --checklist sub\\ dir/chores.md --cwd=sub\\ dir/in";
        shell.completes(line, &format!("{line}ner/"));
        shell.runs(&["Initialized run", "repo/sub dir/inner"]);
    });
}

#[test]
fn redirections_are_no_words() {
    each(|world, shell| {
        runs(world);
        // bash takes the `&` in `2>&1` for the end of a command, and asks nobody.
        let last = if shell.kind.is_bash() { ">out" } else { ">out 2>&1" };
        for redirection in ["2>/dev/null", "2> /dev/null", last] {
            let line = format!("agent-runner run status {redirection} @Mon");
            shell.completes(&line, &format!("{line}day"));
            let line = format!("agent-runner run status @last {redirection} --fie");
            shell.completes(&line, &format!("{line}ld"));
        }
    });
}

#[test]
fn an_amount_follows_without_a_blank() {
    each(|_, shell| {
        shell.completes_exactly("agent-runner run --budget tok", "agent-runner run --budget tokens=");
        shell.completes_exactly("agent-runner run --budget=tok", "agent-runner run --budget=tokens=");
        shell.completes("agent-runner run --notify desk", "agent-runner run --notify desktop");
    });
}
