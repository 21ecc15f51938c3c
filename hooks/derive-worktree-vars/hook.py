#!/usr/bin/env python3
"""Says where the work tree of an implementation will be. Needs Python 3 and nothing else.

A `prepare` hook, used by the assignment `plan-feature`:

    hooks:
      prepare:
        - name: derive-worktree-vars

Reads the variables `worktree_slug` and `worktree_base_ref`, and refuses values that could mean something else in a path or
in a command line of git. Sets `repo_root`, the directory of the run, and `worktree_path`, a directory beside it: for
`/src/shop` and the slug `fast-search` that is `/src/shop-fast-search`. Makes nothing; `git-worktree` does that later.
"""

import json
import os
import re
import sys

SLUG = r"[A-Za-z0-9][A-Za-z0-9._-]*"
REF = r"[A-Za-z0-9][A-Za-z0-9._/-]*"


def checked(variables, name, pattern):
    """The value of a variable, or the end of this program with the reason why it will not do."""
    value = variables.get(name)
    if isinstance(value, str) and re.fullmatch(pattern, value):
        return value
    sys.exit(f"{name} has to match {pattern}; it is {json.dumps(value)}")


def main():
    context = json.load(sys.stdin)
    variables = context.get("vars") or {}
    slug = checked(variables, "worktree_slug", SLUG)
    checked(variables, "worktree_base_ref", REF)
    root = context["run"]["cwd"]
    beside, name = os.path.split(os.path.normpath(root))
    derived = {"repo_root": root, "worktree_path": os.path.join(beside, f"{name}-{slug}")}
    print(json.dumps({"action": "continue", "mutate": {"vars": derived}}))


main()
