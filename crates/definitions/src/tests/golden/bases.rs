//! What the wrong definitions extend.

use std::path::Path;

use crate::tests::write;

/// Writes all of it into the directory of the wrong definition.
pub(super) fn write_all(root: &Path, config: &Path) {
    write(root, "hooks/plain", "true\n");
    write(config, "hooks/lint/hook.sh", "true\n");
    write(config, "hooks/odd/hook.rb", "true\n");
    let front = |name: &str, rest: &str| format!("---\nschemaVersion: 1\nname: {name}\n{rest}");
    let base = "backend: shell\nmodel: small\nbudget:\n  tokens: 1000\nlockedFields: [model, budget, instructions]\n---\n\
                Be careful.\n";
    write(root, "base/agent.md", &front("base", base));
    let base = "message: Begin.\ntasks:\n  - id: build\n    title: Build it\n  - id: test\n    title: Test it\n---\n";
    write(root, "base/assignment.md", &front("base", base));
    write(root, "locked/assignment.md", &front("locked", "extends: ../base\nlockedFields: [tasks]\n---\n"));
    write(root, "circle/agent.md", &front("round", "extends: ../agent.md\n---\n"));
    write(root, "broken/agent.md", &front("broken", "backend: shell\ncolour: red\n---\n"));
    write(root, "above-broken/agent.md", &front("above", "extends: ../broken\n---\n"));
    write(root, "done.md", "# Done\n\n- [x] One\n");
    for number in 1..=20 {
        let place = format!("deep/{number}/agent.md");
        write(root, &place, &front(&format!("deep-{number}"), &format!("extends: ../{}\n---\n", number + 1)));
    }
    let tasks = |from: usize, to: usize| -> String {
        (from..to).map(|number| format!("  - id: t{number}\n    title: T\n")).collect()
    };
    write(root, "many/assignment.md", &front("many", &format!("tasks:\n{}---\n", tasks(0, 60))));
    let more = format!("extends: ../many\ntasks:\n{}---\n", tasks(50, 105));
    write(root, "heir-of-many/assignment.md", &front("heir-of-many", &more));
}
