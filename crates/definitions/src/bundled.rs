//! The definitions that are compiled into the program. Must not hold text of its own: every entry is a file below
//! the repository's root.

/// Files by their place below the repository's root, with their texts.
macro_rules! bundled {
    ($($place:literal),+ $(,)?) => {
        &[$(($place, include_str!(concat!("../../../", $place)))),+]
    };
}

/// Every bundled definition: its place below the library's root and its text.
pub(crate) const FILES: &[(&str, &str)] = bundled![
    "agents/code-reviewer/agent.md",
    "agents/doc-reviewer/agent.md",
    "agents/generic/agent.md",
    "agents/implementer/agent.md",
    "agents/planner/agent.md",
    "agents/runbook/agent.md",
    "agents/test/agent.md",
    "assignments/code-review-direct/assignment.md",
    "assignments/code-review/assignment.md",
    "assignments/doc-review/assignment.md",
    "assignments/familiarize/assignment.md",
    "assignments/plan-feature/assignment.md",
    "assignments/plan-implement-feature/assignment.md",
    "assignments/plan-review/assignment.md",
    "assignments/repo-checkup/assignment.md",
    "assignments/repo-orientation/assignment.md",
    "assignments/test/assignment.md",
    "tasks/feature-implement/apply-review-fixes.md",
    "tasks/feature-implement/check-gate.md",
    "tasks/feature-implement/commit.md",
    "tasks/feature-implement/docs-drift.md",
    "tasks/feature-implement/fresh-eyes.md",
    "tasks/feature-implement/implement-core.md",
    "tasks/feature-implement/implement-tests.md",
    "tasks/feature-implement/internal-code-review.md",
    "tasks/feature-implement/merge-after-approval.md",
    "tasks/feature-implement/push-pr.md",
    "tasks/feature-implement/scaffold.md",
    "tasks/feature-implement/self-check.md",
    "tasks/feature-implement/verify-surface-coverage.md",
    "tasks/feature-plan/attach-summary.md",
    "tasks/feature-plan/await-user-approval.md",
    "tasks/feature-plan/capture-feature.md",
    "tasks/feature-plan/check-existing-code.md",
    "tasks/feature-plan/contract.md",
    "tasks/feature-plan/orient.md",
    "tasks/feature-plan/produce-summary.md",
    "tasks/feature-plan/risks-and-tests.md",
    "tasks/feature-plan/surface-inventory.md",
    "tasks/feature-plan/survey-impact.md",
    "tasks/review/architecture.md",
    "tasks/review/concurrency.md",
    "tasks/review/docs-drift.md",
    "tasks/review/error-handling.md",
    "tasks/review/resources.md",
    "tasks/review/security.md",
    "tasks/review/simplification-and-duplication.md",
    "tasks/review/state-machine.md",
    "tasks/review/surface-completeness.md",
    "tasks/review/test-coverage.md",
    "tasks/review/types-schema.md",
];

/// Files that lie in the folder of a bundled definition, for its worker to ask for.
pub(crate) const BESIDE: &[(&str, &str)] =
    bundled!["assignments/plan-feature/summary-template.md", "assignments/plan-feature/template.md",];

/// What teaches other agents to use this program.
pub(crate) const SKILLS: &[(&str, &str)] = bundled![
    "docs/skills/agent-runner/SKILL.md",
    "docs/skills/agent-runner-seed-plan-implement-run/SKILL.md",
    "docs/skills/agent-runner-seed-plan-run/SKILL.md",
];

/// The bundled definition at that place.
pub(crate) fn find(place: &str) -> Option<(&'static str, &'static str)> {
    FILES.iter().copied().find(|(known, _)| *known == place)
}

/// The bundled file at that place that is no definition.
pub(crate) fn find_beside(place: &str) -> Option<(&'static str, &'static str)> {
    BESIDE.iter().copied().find(|(known, _)| *known == place)
}

/// Files of the hooks that are compiled into the program.
pub(crate) const HOOKS: &[(&str, &str)] = bundled![
    "hooks/changelog-gate/hook.py",
    "hooks/derive-worktree-vars/hook.py",
    "hooks/diff-size-gate/hook.py",
];
