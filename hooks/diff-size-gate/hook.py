#!/usr/bin/env python3
"""Refuses to complete a task while the change is too big to be reviewed well. Needs Python 3 and git.

A `taskTransition` hook, for one task or for a whole assignment:

    hooks:
      - name: diff-size-gate
        with:
          base: main
          maxLines: 400

`base` is what the work started from, `maxLines` how many lines may have been added and removed since, committed or not,
files that git does not track yet included. Binary files count nothing. Every other change of a task passes.
"""

import json
import os
import subprocess
import sys


def git(directory, *arguments):
    """What git prints. If git fails, so does the hook, and the change of the task is refused with git's own words."""
    command = ["git", "-C", directory, *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"git {arguments[0]} ended with {done.returncode}")
    return done.stdout


def is_completion(transition):
    before = transition.get("from") or {}
    return transition["to"]["status"] == "completed" and before.get("status") != "completed"


def lines_of(path):
    """How many lines git would count for a new file: none if it is binary or no file at all, one for a link."""
    if os.path.islink(path):
        return 1
    if not os.path.isfile(path):
        return 0
    count, last = 0, b"\n"
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 16), b""):
            if b"\0" in piece:
                return 0
            count, last = count + piece.count(b"\n"), piece[-1:]
    return count + (last != b"\n")


def size(directory, base):
    """Lines added and removed since the work left the base."""
    top = git(directory, "rev-parse", "--show-toplevel").rstrip(b"\n")
    top_name = os.fsdecode(top)
    commit = git(top_name, "rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}").strip()
    start = git(top_name, "merge-base", os.fsdecode(commit), "HEAD").strip()
    options = ["--no-ext-diff", "--no-textconv", "--no-renames", "--numstat", "-z"]
    total = 0
    for entry in git(top_name, "diff", *options, os.fsdecode(start), "--").split(b"\0"):
        counts = entry.split(b"\t")[:2]
        total += sum(int(count) for count in counts if count.isdigit())
    new = git(top_name, "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
    return total + sum(lines_of(os.path.join(top, path)) for path in new if path)


def main():
    context = json.load(sys.stdin)
    if not is_completion(context["transition"]):
        return {"accept": True}
    config = context.get("config") or {}
    base, most = config.get("base"), config.get("maxLines")
    if not isinstance(base, str) or type(most) is not int or most < 0:
        sys.exit("diff-size-gate needs `base`, such as main, and `maxLines`, a whole number")
    lines = size(context["run"]["cwd"], base)
    if lines <= most:
        return {"accept": True}
    reason = f"{lines} lines have changed since {base}, more than the {most} that can be reviewed well: divide the work"
    return {"accept": False, "reason": reason}


print(json.dumps(main()))
