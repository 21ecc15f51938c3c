#!/usr/bin/env python3
"""Refuses to complete a task while the changelog says nothing new. Needs Python 3 and git.

A `taskTransition` hook, for one task or for a whole assignment:

    hooks:
      - name: changelog-gate
        with:
          file: CHANGELOG.md
          base: main

`base` is what the work started from. `file` is a path from the top of the repository, `CHANGELOG.md` without it; a list
of paths will do if there are several, and a change of one is enough. Compared are the files as they are now, committed or not, with the commit in
which the work left `base`. Every other change of a task passes.
"""

import json
import subprocess
import sys


def git(directory, *arguments):
    """What git prints. If git fails, so does the hook, and the change of the task is refused with git's own words."""
    command = ["git", "-C", directory, *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"git {arguments[0]} ended with {done.returncode}")
    return done.stdout.decode("utf-8", "surrogateescape")


def is_completion(transition):
    before = transition.get("from") or {}
    return transition["to"]["status"] == "completed" and before.get("status") != "completed"


def changed(directory, base, files):
    """Whether one of the files differs from what it was when the work left the base."""
    top = git(directory, "rev-parse", "--show-toplevel").rstrip("\n")
    commit = git(top, "rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}").strip()
    start = git(top, "merge-base", commit, "HEAD").strip()
    tracked = git(top, "--literal-pathspecs", "diff", "--no-ext-diff", "--name-only", start, "--", *files)
    new = git(top, "--literal-pathspecs", "ls-files", "--others", "--exclude-standard", "--", *files)
    return bool(tracked or new)


def main():
    context = json.load(sys.stdin)
    if not is_completion(context["transition"]):
        return {"accept": True}
    config = context.get("config") or {}
    base, files = config.get("base"), config.get("file", "CHANGELOG.md")
    files = [files] if isinstance(files, str) else files
    if not isinstance(base, str) or not files or not all(isinstance(file, str) for file in files):
        sys.exit("changelog-gate needs `base`, such as main; `file` is a path or a list of paths")
    if changed(context["run"]["cwd"], base, files):
        return {"accept": True}
    names = " or ".join(files)
    return {"accept": False, "reason": f"{names} has not changed since {base}: say there what is new, then complete the task"}


print(json.dumps(main()))
