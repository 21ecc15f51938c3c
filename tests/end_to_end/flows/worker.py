"""A scripted agent for the flows that come with the program.

It knows nothing about a flow but the ids of its tasks: it reads its list as every worker does, does what each task is there
for, and takes the commands that it calls from the texts of the tasks, so that a text that is wrong fails. It is all the agents of
a flow at once, because the tasks say who is asked. The first draft and the first change each have a fault on purpose; its
reviewer finds both by looking.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

WORLD = Path(sys.argv[1])
RUN = os.environ["AGENT_RUNNER_RUN_ID"]
RUNNER = os.environ["AGENT_RUNNER_CMD"]
PROMPT = sys.stdin.read()
TOPIC = "two to four words on the topic"
CONTRACT = "## Command line\n\n`search --since DATE` prints what is new since then.\n\n- `DATE` is one of the calendar."
INVENTORY = "- **`--since`** (added)\n  way: search.sh; test.sh"
ASSUMPTIONS = "- Dates are written as 2026-01-31."


def shell(command, codes=(0,)):
    """What a command prints; it has to end with one of these codes."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        sys.exit(f"{command}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return (done.stdout + done.stderr).strip()


def runner(*arguments, codes=(0,), notes=None):
    """What this program prints."""
    done = subprocess.run([RUNNER, *arguments], capture_output=True, text=True, check=False, input=notes)
    if done.returncode not in codes:
        sys.exit(f"{arguments}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def tasks_of(run):
    listed = json.loads(runner("task", "list", run, "--output-format", "json"))
    return {task["id"]: task for task in listed["tasks"]}


def field(run, name):
    return json.loads(runner("run", "status", run, "--field", name))[name]


def variable(name):
    return field(RUN, "runtimeVars")[name]


def words():
    """What this session was opened with besides the brief."""
    return PROMPT.removeprefix(json.loads(runner("run", "brief", RUN, "--output-format", "json"))["brief"])


def command(text, part, values=None):
    """The one command in a text that has this part, its `<...>` filled."""
    joined = re.sub(r"\\\n\s+", "", text)
    blocks = [line.strip() for line in joined.splitlines() if line.startswith("    ")]
    inline = [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", joined)]
    found = [one for one in dict.fromkeys(blocks + inline) if part in one]
    if len(found) != 1:
        sys.exit(f"{part!r} is in {found} of this text:\n{text}")
    given = {TOPIC: "Search since", "the same": "Search since", **(values or {})}
    return re.sub(r"<([a-z][^<>]*)>", lambda place: given[place[1]], found[0])


def note(task, text):
    runner("task", "append-notes", RUN, task, "--text", text)


def report(task, status, notes):
    runner("task", "set", RUN, task, "--status", status, "--notes", "-", notes=notes)


def noted(pattern, run=RUN):
    """What the notes of a run have behind a label."""
    for task in tasks_of(run).values():
        for found in re.findall(pattern + r": (\S+)", task["notes"]):
            return found
    return None


def stop_here(point):
    """Waits to be killed, if the test wants that at this point."""
    wanted = WORLD / "stop-at"
    if wanted.exists() and wanted.read_text() == point:
        wanted.unlink()
        (WORLD / "ready").open("w").write(f"{RUN}\n")
        (WORLD / "go").open().readline()


def filled(template, values):
    """A form with its placeholders filled; lines that are put in are indented like the line around them."""

    def line(found):
        before, place, name, after = found[1], found[2], found[3], found[4]
        text = values.get(name, f"See the notes about {name.lower().replace('_', ' ')}.")
        indent = re.match(r" *", before)[0]
        return before + text.replace("\n", "\n" + indent).replace("\n" + indent + "\n", "\n\n") + after

    pattern = re.compile(r"^(.*?)(<<PLACEHOLDER_([A-Z_]+)[^>]*>>)(.*)$", re.M)
    while pattern.search(template):
        template = pattern.sub(line, template, count=1)
    return template


def plain(text):
    return " ".join(text.split())


def started(task):
    """The review that this run has started, if it was killed before it could note which."""
    tree = json.loads(shell(command(task["body"], "run tree ") + " --output-format json"))
    found = [tree["root"]]
    while found:
        run = found.pop()
        if run["runId"] == RUN:
            reviews = [child for child in run["children"] if child["assignmentName"] in ("plan-review", "code-review")]
            return reviews[0]["runId"] if reviews else None
        found += run["children"]
    return None


def reviewed(task, start):
    """Starts a review, or finds again the one whose command was lost. Answers with its id and its decision."""
    review = noted("Review run") or started(task)
    if review is None:
        child = subprocess.Popen(["sh", "-c", start], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in child.stdout:
            found = re.match(r"Run (\w+):", line)
            if found and review is None:
                review = found[1]
                note(task["id"], f"Review run: {review}")
        child.wait()
    else:
        shell(command(task["body"], "run wait", {"review-run-id": review}), codes=(0, 1, 2, 4, 130))
        if field(review, "effectiveStatus") not in ("success", "blocked"):
            shell(command(task["body"], "--resume-run", {"review-run-id": review}), codes=(0, 2))
    if field(review, "effectiveStatus") != "blocked":
        sys.exit("the reviewer has overlooked the fault")
    texts = [
        shell(command(task["body"], f"task show <review-run-id> {name}", {"review-run-id": review}))
        for name in ("approval", "synthesis")
    ]
    return "completed", f"Review run: {review}\nblocked\n" + "\n".join(texts)


def answered(task, who, repair):
    """Repairs what a review found, and has it look again until it approves. The task cannot be completed before."""
    told = runner("task", "set", RUN, task["id"], "--status", "completed", codes=(3,))
    (WORLD / f"refused-{who}").write_text(told)
    repair()
    review = noted("Review run")
    shell(command(task["body"], "--resume-run", {"review-run-id": review}))
    return "completed", "Repaired.\n" + runner("task", "show", review, "approval")


# Planning.


def capture(_task):
    if "--since" not in PROMPT:
        return "blocked", "1. What is the flag called: `--since` or `--after`?"
    return "completed", f"Search what is new, with `--since`.\n\nAssumptions\n\n{ASSUMPTIONS}"


def texts(contract):
    """What belongs into the places of the forms, as far as it matters here."""
    parts = {"CONTRACT": contract, "SURFACE_INVENTORY": INVENTORY, "ASSUMPTIONS": ASSUMPTIONS}
    ours = {"SLUG": "search-since", "TOPIC": "Search since", "CHECK_COMMANDS": "sh test.sh", "PLANNING_RUN_ID": RUN}
    return {**parts, **{f"FEATURE_{name}": text for name, text in parts.items()}, **ours}


def write_draft(draft, contract):
    """The form, filled and with one more hook: fitting it is asked for."""
    says = f"echo prepared >> {WORLD}/prepared"
    hook = f'  prepare:\n    - builtin: command\n      with: {{mode: status, command: sh, args: ["-c", "{says}"]}}\n'
    form = runner("show", "assignment", "plan-feature/template.md", "--raw").replace("hooks:\n", "hooks:\n" + hook, 1)
    Path(draft).write_text(filled(form, texts(contract)))


def draft_plan(task):
    place = {"repository": "repo", "topic": "search-since", "four characters": "a1b2"}
    shell(command(task["body"], "mkdir -p", place))
    show = command(task["body"], "plan-feature/template.md", place)
    shell(show)
    draft = show.split("> ")[1]
    write_draft(draft, CONTRACT.replace("DATE", "DAY"))
    checked = shell(command(task["body"], "validate ", {"draft": draft}))
    shell(command(task["body"], "grep PLACEHOLDER", {"draft": draft}), codes=(1,))
    return "completed", f"Draft: {draft}\n{checked}"


def review_draft(task):
    return reviewed(task, command(task["body"], "--assignment plan-review", {"draft": noted("Draft")}))


def plan_review_answered(task):
    return answered(task, "planner", lambda: write_draft(noted("Draft"), CONTRACT))


def produce_summary(task):
    draft = noted("Draft")
    place = {} if draft is None else {"draft without .md": draft.removesuffix(".md")}
    if "mkdir" in task["body"]:
        shell(command(task["body"], "mkdir"))
    show = command(task["body"], "summary-template.md", place)
    shell(show)
    page = Path(show.split("> ")[1])
    page.write_text(filled(page.read_text(), texts(tasks_of(RUN)["feature-plan/contract"]["notes"])))
    return "completed", f"Page: {page}\n" + shell(f"grep -c PLACEHOLDER {page}", codes=(1,))


def attach(task):
    """Hands the files over, in place of those that are there."""
    for line in json.loads(runner("attachment", "list", RUN, "--scope", "run", "--output-format", "json"))["attachments"]:
        runner("attachment", "remove", RUN, line["id"])
    files = {"draft": noted("Draft"), "page": noted("Page")}
    for name in ("assignment-seed.md", "assignment-summary.md"):
        if f"--name {name}" in task["body"]:
            shell(command(task["body"], f"--name {name}", files))
    return "completed", shell(command(task["body"], "attachment list "))


def create_implementer(task):
    values = shell(command(task["body"], "runtimeVars"))
    init = command(task["body"], " init ", {"draft": noted("Draft")})
    made = json.loads(shell(f"{init} --output-format json"))
    return "completed", f"{init}\nImplementation run: {made['runId']}\n{made['status']}\n{values}"


def changes_requested(wish):
    """The plan is changed after all was done, in the way that the instructions of the assignment say."""
    tasks = tasks_of(RUN)
    contract = tasks["feature-plan/contract"]["notes"] + f"\n- {wish}"
    runner("task", "set", RUN, "feature-plan/contract", "--notes", contract)
    draft, review, implementation = noted("Draft"), noted("Review run"), noted("Implementation run")
    write_draft(draft, contract)
    runner("task", "set", RUN, "apply_review_fixes", "--status", "in_progress")
    again = command(tasks["apply_review_fixes"]["body"], "--resume-run", {"review-run-id": review})
    shell(again)
    # The run that waits to be made anew is a child, too, and has not ended well: it has not begun.
    runner("task", "set", RUN, "apply_review_fixes", "--status", "completed")
    produce_summary(tasks["produce_summary"])
    attach(tasks["attach_artifacts"])
    brief = json.loads(runner("run", "brief", RUN, "--output-format", "json"))["brief"]
    place = {"implementation-run-id": implementation, "draft": draft}
    shell(command(brief, "init --run-id", place))
    note("handoff", f"Changed: {wish}")


def await_approval(_task):
    if "Approved. Continue implementation." in words():
        return "completed", "Approved."
    return "blocked", "Please approve."


# Reviews.


def contract_finding():
    draft, planning = variable("plan_draft"), variable("planning_run_id")
    contract = tasks_of(planning)["feature-plan/contract"]["notes"]
    same = plain(contract) in plain(Path(draft).read_text())
    return None if same else f"[HIGH] {draft}: the contract is not that of feature-plan/contract"


def change_finding():
    run, scope = variable("implementation_run_id"), variable("range")
    changed = shell(f"git diff --name-only {scope}").split()
    claimed = [file for file in ("README.md", "search.sh", "test.sh") if file not in changed]
    if claimed:
        return f"[HIGH] {run} claims {', '.join(claimed)}, and {scope} does not have that"
    return None


def finding():
    return change_finding() if "implementation_run_id" in field(RUN, "runtimeVars") else contract_finding()


def orient_inputs(task):
    stop_here("review")
    shell(command(task["body"], "validate "))
    shell(command(task["body"], "task list "))
    return "completed", "Read."


def orient_review(task):
    stop_here("review")
    shell(command(task["body"], "task list "))
    attached = shell(command(task["body"], "attachment list "))
    return "completed", f"Scope: {shell('git rev-parse HEAD')}\n{attached}"


def synthesis(_task):
    return "completed", finding() or "Nothing is left. ship"


def approval(_task):
    found = finding()
    report("synthesis", "completed", found or "Nothing is left. ship")
    return ("blocked", f"BLOCKED: {found}") if found else ("completed", "APPROVED: all that was promised is there")


# Implementation.


def orient(task):
    if "planning run" not in task["body"]:
        return orient_review(task)
    shell(command(task["body"], "task list "))
    attached = shell(command(task["body"], "attachment list "))
    if "assignment-summary.md" not in attached or plain(CONTRACT) not in plain(task["body"]):
        sys.exit(f"the plan is not there: {attached}")
    return "completed", attached


def scaffold(task):
    if "worktree_slug" in field(RUN, "runtimeVars"):
        top, branch = variable("worktree_path"), variable("worktree_slug")
        found = [shell("git rev-parse --show-toplevel"), shell("git branch --show-current")]
        if found != [top, branch]:
            sys.exit(f"{found} is not {top} with {branch}")
        shell(command(task["body"], "git merge-base"))
    if shell("git status --short"):
        return "blocked", "somebody left changes"
    return "completed", f"Base: {shell('git rev-parse HEAD')}"


def implement_core(_task):
    file = Path("search.sh")
    file.write_text("# searches\n")
    stop_here("implement")
    file.write_text(f"# {CONTRACT.splitlines()[2]}\n" + 'echo "since $2"\n')
    return "completed", "search.sh"


def implement_tests(_task):
    Path("test.sh").write_text('test "$(sh search.sh --since 2026-01-31)" = "since 2026-01-31"\n')
    return "completed", shell("sh -x test.sh")


def commit(_task):
    shell("git add search.sh test.sh && git commit --quiet -m 'Search since'")
    return "completed", shell("git status --short --branch")


def internal_review(task):
    return reviewed(task, command(task["body"], "--assignment code-review", {"base": noted("Base")}))


def code_review_answered(task):
    def document():
        Path("README.md").write_text("# Shop\n\n`search --since DATE`\n")
        shell("sh test.sh && git add README.md && git commit --quiet -m 'Say how to search since'")

    return answered(task, "implementer", document)


def push(_task):
    branch = shell("git branch --show-current")
    if "origin" not in shell("git remote").split():
        return "completed", "There is no remote: it stays local."
    return "completed", f"Pushed: {branch} " + shell(f"git push --quiet origin {branch}")


def merge(_task):
    if "Merge approved." not in words():
        return "blocked", "Ready to be merged: " + shell("git log --oneline -2")
    if shell("git status --short"):
        return "blocked", "something is not committed"
    branch = shell("git branch --show-current")
    root = shell("git worktree list --porcelain").splitlines()[0].removeprefix("worktree ")
    target = branch
    if "origin" in shell("git remote").split():
        shell("git push --quiet origin HEAD:main && git fetch --quiet origin")
        target = "origin/main"
    if shell(f"git -C {root} status --short"):
        return "completed", "Merged. The main work tree has changes, so it stays as it is."
    return "completed", shell(f"git -C {root} merge --ff-only --quiet {target} && git -C {root} log --oneline -3")


DOES = {
    "feature-plan/capture-feature": capture,
    "feature-plan/contract": lambda _task: ("completed", CONTRACT),
    "feature-plan/surface-inventory": lambda _task: ("completed", INVENTORY),
    "feature-plan/produce-summary": produce_summary,
    "feature-plan/attach-summary": attach,
    "feature-plan/await-user-approval": await_approval,
    "draft_plan": draft_plan,
    "review_draft": review_draft,
    "produce_summary": produce_summary,
    "attach_artifacts": attach,
    "create_initialized_implementer_run": create_implementer,
    "orient_inputs": orient_inputs,
    "synthesis": synthesis,
    "approval": approval,
    "orient": orient,
    "scaffold": scaffold,
    "implement-core": implement_core,
    "implement-tests": implement_tests,
    "commit": commit,
    "internal_review": internal_review,
    "internal-code-review": internal_review,
    "push_branch_and_create_pr": push,
    "push-pr": push,
    "merge_pr_and_fast_forward_after_approval": merge,
    "merge-after-approval": merge,
}


def doing(task):
    name = task["id"].removeprefix("feature-implement/")
    if name in ("apply_review_fixes", "apply-review-fixes"):
        return plan_review_answered if noted("Draft") else code_review_answered
    return DOES.get(name) or DOES.get(name.replace("_", "-")) or (lambda _task: ("completed", "Done."))


def main():
    wish = re.search(r"Requested changes: (.*)", words())
    tasks = tasks_of(RUN)
    if wish and all(task["status"] == "completed" for task in tasks.values()):
        changes_requested(wish[1])
    for task in tasks.values():
        if task["status"] != "completed":
            status, notes = doing(task)(task)
            report(task["id"], status, notes)
            if status == "blocked":
                return


main()
