"""Workflow files with one mistake each: what is wrong, where, and what the reader says to do.

A mistake is marked by `⟦` just before the character it is reported at; the mark is taken out.
"""

from __future__ import annotations

from typing import NamedTuple

HEAD = "version: 1\nname: w\n"
ONE = HEAD + "phases:\n  - name: p\n    tasks:\n      - id: a\n        run: x\n"
AGENT = (
    HEAD
    + "inputs: {request: x}\nphases:\n  - name: p\n    tasks:\n"
    + "      - id: a\n        agent: architect\n"
)
TWO_PHASES = (
    HEAD
    + "phases:\n  - name: p\n    tasks:\n      - id: a\n        run: x\n"
    + "  - name: q\n    tasks:\n      - id: b\n        run: x\n"
)
DEEP = "[" * 21
#: A task that leaves a list, and a place for one that is for each item of it.
LIST = (
    HEAD
    + "phases:\n  - name: p\n    tasks:\n      - id: triage\n        run: x\n"
    + "        outputs: [{name: fixes, path: fixes.json}, notes.md]\n"
)
FIXES = "tasks.triage.outputs.fixes"
WRITER = ONE + "        writes: src/**\n"


class Mistake(NamedTuple):
    """`says` and `fix` are parts of the message and of the fix."""

    code: str
    text: str
    says: str = ""
    fix: str = ""
    warning: bool = False


def task(lines: str) -> str:
    """A workflow of one phase with the tasks in `lines`, written without indentation."""
    indented = "".join(f"      {line}\n" for line in lines.splitlines())
    return HEAD + "phases:\n  - name: p\n    tasks:\n" + indented


def reads(declared: str, wanted: str, more: str = "") -> str:
    """A workflow whose second task names an output of the first in its prompt."""
    return (
        f"{AGENT}        outputs: [{declared}]\n"
        f"      - id: b\n        agent: architect\n        needs: [a]\n{more}"
        f"        prompt: read {{{{ ⟦tasks.a.outputs.{wanted}.path }}}}\n"
    )


def gate(fields: str) -> str:
    """A workflow with one gate."""
    return ONE + f"    gates:\n      - {{{fields}}}\n"


def fix(lines: str, needs: str = "[triage]") -> str:
    """A workflow with a list, and a second task `fix` with the further `lines`."""
    indented = "".join(f"        {line}\n" for line in lines.splitlines())
    return f"{LIST}      - id: fix\n        agent: architect\n        needs: {needs}\n{indented}"


def returns(schema: str) -> str:
    """A workflow whose agent has to answer `x`, of the form `schema`."""
    return f"{AGENT}        returns: {{x: {{{schema}}}}}\n"


def shown(task: str, kind: str = "reproduces", more: str = "") -> str:
    """A workflow whose second phase has a gate about the tests that `task` brings."""
    return (
        f"{TWO_PHASES}        writes: tests/**\n    gates:\n"
        f"      - {{name: g, kind: {kind}{task}{more}}}\n"
    )


MISTAKES = [
    # -- the file ------------------------------------------------------------------------------
    Mistake("yaml-syntax", "a: ⟦@b\n", "cannot start any token", "quotes"),
    Mistake("yaml-syntax", "a: b⟦: c\n", "mapping values", "quotes"),
    Mistake("yaml-syntax", "a:\n⟦\tb: c\n", "token", "indent with spaces"),
    Mistake("yaml-syntax", "a: 1\n⟦---\nb: 2\n", "second document"),
    Mistake("yaml-syntax", "a: x⟦\x00\n", "a character that YAML does not allow", "remove it"),
    Mistake("empty-file", "⟦# nothing\n", "says nothing"),
    Mistake("alias", "a: ⟦&x 1\n", "anchors", "defaults"),
    Mistake("alias", "a: ⟦*x\n", "aliases"),
    Mistake("tag", "a: ⟦!!python/object:os.system x\n", "python/object", "remove"),
    Mistake("tag", "a: ⟦!x y\n"),
    Mistake("too-deep", f"a: {DEEP[:-1]}⟦[\n"),
    Mistake("bad-key", "⟦[a, b]: c\n", "a list cannot be a key"),
    Mistake("duplicate-key", ONE + "⟦name: v\n", "stands in line 2 already"),
    Mistake("duplicate-key", task("- id: a\n  run: x\n  ⟦run: y"), "stands in line 7"),
    # -- structure -----------------------------------------------------------------------------
    Mistake("wrong-type", "⟦- a\n", "the workflow is a mapping, not a list"),
    Mistake(
        "missing-key",
        ONE.replace("version: 1\n", "").replace("name: w", "⟦name: w"),
        "version",
        "version: 1",
    ),
    Mistake("missing-key", task("- ⟦run: x"), "this task has no `id`", "add `id:`"),
    Mistake("missing-key", gate("⟦name: g").replace("{⟦", "⟦{"), "gate g has no `kind`"),
    Mistake(
        "missing-key", gate("name: g, kind: command").replace("{name", "⟦{name"), "no `command`"
    ),
    Mistake(
        "missing-key", gate("name: g, kind: condition").replace("{name", "⟦{name"), "`condition`"
    ),
    Mistake("unknown-key", ONE + "⟦phase: []\n", "'phase'", "did you mean phases?"),
    Mistake("unknown-key", task("- id: a\n  run: x\n  ⟦depends_on: []"), "", "did you mean needs?"),
    Mistake(
        "unknown-key", task("- id: a\n  run: x\n  ⟦timeout-seconds: 5"), "", "did you mean timeout?"
    ),
    Mistake("unknown-key", task("- id: a\n  run: x\n  ⟦if: true"), "", "did you mean when?"),
    Mistake("unknown-key", ONE + "    ⟦zzzzz: 1\n", "", "known keys: agents, budget, depends_on"),
    Mistake("wrong-type", ONE + "    parallel: ⟦yes\n", "true or false, not 'yes'", "write true"),
    Mistake("wrong-type", ONE + "    depends_on: ⟦p\n", "a list, not 'p'", "write [p]"),
    Mistake("wrong-type", ONE + "description: ⟦5\n", "a text, not '5'", 'write "5"'),
    Mistake("wrong-type", ONE + "⟦description:\n", "not nothing"),
    Mistake(
        "wrong-type", task("- id: a\n  run: x\n  needs: [⟦{}]"), "an item of `needs` is a text"
    ),
    Mistake("bad-value", ONE.replace("version: 1", "version: ⟦2"), "`version` is 1", "write 1"),
    Mistake(
        "bad-value", ONE + "on_failure: ⟦stopp\n", "one of stop, continue", "did you mean stop?"
    ),
    Mistake(
        "bad-value",
        task("- id: a\n  run: x\n  retry: {max_attempts: 2, on: [⟦crashed]}"),
        "",
        "did you mean crash?",
    ),
    Mistake(
        "bad-value",
        task("- id: a\n  run: x\n  outputs: [{name: o, path: o, media_type: ⟦x}]"),
        "media_type",
    ),
    Mistake("bad-name", ONE.replace("id: a", "id: ⟦A B"), "'A B' is not a name", "lower-case"),
    Mistake("bad-name", ONE.replace("id: a", "id: ⟦a..b"), "'a..b'"),
    Mistake("bad-name", ONE.replace("id: a", 'id: ⟦"a\\n"'), "not a name"),
    Mistake("bad-name", ONE + "inputs: {⟦Big: x}\n", "'Big'"),
    Mistake(
        "bad-name", task("- id: a\n  run: x\n  env: {⟦A-B: x}"), "'A-B'", "letters, digits and `_`"
    ),
    Mistake(
        "bad-name",
        task("- id: a\n  run: x\n  outputs: [⟦Report.HTML]"),
        "Report.HTML",
        "{name: NAME",
    ),
    Mistake(
        "bad-duration",
        task("- id: a\n  run: x\n  timeout: ⟦5 min"),
        "'5 min' is not a duration",
        "90s",
    ),
    Mistake("bad-duration", task("- id: a\n  run: x\n  timeout: ⟦-5m"), "cannot be negative"),
    Mistake("bad-duration", task("- id: a\n  run: x\n  timeout: ⟦-5"), "at least 0"),
    Mistake("bad-duration", task("- id: a\n  run: x\n  timeout: ⟦0"), "more than zero"),
    Mistake("bad-duration", task("- id: a\n  run: x\n  timeout: ⟦400d"), "longer than a year"),
    Mistake("bad-duration", task("- id: a\n  run: x\n  timeout: ⟦[5]"), "is a duration"),
    Mistake("bad-duration", ONE + "limits: {timeout: ⟦soon}\n"),
    Mistake("bad-duration", ONE + "defaults: {timeout: ⟦0s}\n"),
    Mistake("out-of-range", ONE + "limits: {max_parallel: ⟦0}\n", "at least 1"),
    Mistake("out-of-range", task("- id: a\n  run: x\n  priority: ⟦5000"), "at most 1000"),
    Mistake("empty", task("- id: a\n  run: ⟦''"), "`run` is empty"),
    Mistake("empty", HEAD + "phases: ⟦[]\n", "`phases` is empty"),
    Mistake(
        "too-many",
        task(f"- id: a\n  run: x\n  outputs: ⟦[{', '.join(f'o{n}' for n in range(201))}]"),
        "more than 200",
    ),
    Mistake(
        "duplicate-item",
        task("- id: a\n  run: x\n- id: b\n  run: x\n  needs: [a, ⟦a]"),
        "'a' is listed twice",
    ),
    Mistake(
        "missing-key",
        gate("⟦name: g, kind: diff").replace("{⟦", "⟦{"),
        "gate g has no `max_files` and no `max_lines`",
        "add `max_files:`",
    ),
    Mistake("missing-key", fix("prompt: x\neach: ⟦{limit: 5}"), "this each has no `list`"),
    Mistake("unknown-key", WRITER + "resolver: {run: x, ⟦needs: [a]}\n", "'needs'"),
    Mistake("unknown-key", task("- id: a\n  run: x\n  ⟦for_each: x"), "", "did you mean each?"),
    Mistake(
        "out-of-range", gate("name: g, kind: coverage, min_percent: ⟦101"), "at most 100, not 101"
    ),
    Mistake("out-of-range", gate("name: g, kind: coverage, min_percent: ⟦-1"), "at least 0"),
    Mistake(
        "bad-value",
        gate("name: g, kind: findings, severity: ⟦hihg"),
        "one of critical, high",
        "did you mean high?",
    ),
    Mistake("bad-value", ONE + "rollback: ⟦always\n", "one of failure, never"),
    Mistake("bad-value", task("- id: a\n  run: x\n  retry: {max_attempts: 2, on: [⟦conflict]}")),
    Mistake("bad-duration", WRITER + "checkpoint_every: ⟦0\n", "more than zero"),
    Mistake("bad-duration", gate("name: g, kind: human, remind: ⟦often"), "'often'"),
    Mistake("wrong-type", task("- id: a\n  run: x\n  writes: ⟦5"), "true or false"),
    Mistake("empty", task("- id: a\n  run: x\n  writes: ⟦[]"), "`writes` is empty"),
    Mistake("agent-or-run", WRITER + "resolver: ⟦{prompt: x}\n", "this resolver has neither"),
    Mistake("agent-or-run", task("- ⟦id: a"), "task a has neither", "add `agent: NAME`"),
    Mistake(
        "agent-or-run",
        task("- ⟦id: a\n  run: x\n  agent: architect\n  prompt: x"),
        "task a has both",
    ),
    Mistake("empty-phase", HEAD + "phases:\n  - ⟦name: p\n", "phase p has no tasks"),
    Mistake("empty-phase", HEAD + "phases:\n  - ⟦name: p\n    tasks: []\n"),
    # -- names and order -----------------------------------------------------------------------
    Mistake(
        "duplicate-id", task("- id: a\n  run: x\n- id: ⟦a\n  run: y"), "task a stands in line 6"
    ),
    Mistake("duplicate-id", ONE + "  - name: ⟦p\n    tasks: [{id: b, run: x}]\n", "phase p"),
    Mistake(
        "duplicate-id",
        ONE + "    gates: [{name: g, kind: human}, {name: ⟦g, kind: human}]\n",
        "gate g",
    ),
    Mistake("duplicate-id", task("- id: a\n  run: x\n  outputs: [o.md, ⟦o.md]"), "output o.md"),
    Mistake(
        "duplicate-id",
        task("- id: a\n  run: x\n  outputs: [o.md, {name: ⟦x, path: o.md}]"),
        "output path",
    ),
    Mistake(
        "unknown-agent",
        AGENT.replace("architect", "⟦archtect"),
        "archtect",
        "did you mean architect?",
    ),
    Mistake(
        "unknown-agent",
        HEAD + "inputs: {request: x}\nphases: [{name: p, agents: [⟦zebra]}]\n",
        "",
        "orchestrate agent list",
    ),
    Mistake(
        "duplicate-id",
        fix(f"each: {FIXES}\nprompt: x") + "      - {id: ⟦fix.a, run: x}\n",
        "called like one of the tasks made from fix",
        "do not begin it with `fix.`",
    ),
    Mistake(
        "unknown-agent",
        WRITER + "resolver: {agent: ⟦archtect, prompt: x}\n",
        "archtect",
        "did you mean architect?",
    ),
    Mistake(
        "unknown-task",
        task("- id: abc\n  run: x\n- id: b\n  run: x\n  needs: [⟦abd]"),
        "abd",
        "did you mean abc?",
    ),
    Mistake("unknown-phase", ONE + "    depends_on: [⟦pp]\n", "pp", "did you mean p?"),
    Mistake(
        "later-phase",
        TWO_PHASES.replace("run: x\n  -", "run: x\n        needs: [⟦b]\n  -"),
        "phase q, which comes later",
    ),
    Mistake(
        "cycle",
        task("- id: a\n  run: x\n  needs: [⟦b]\n- id: b\n  run: x\n  needs: [a]"),
        "a -> b -> a",
    ),
    Mistake("cycle", task("- id: a\n  run: x\n  needs: [⟦a]"), "cycle: a -> a"),
    Mistake("cycle", ONE + "    depends_on: [⟦p]\n", "p -> p"),
    Mistake(
        "cycle",
        task("- id: a\n  run: x\n  needs: [⟦b]\n- id: b\n  run: x").replace(
            "name: p\n", "name: p\n    parallel: false\n"
        ),
        "a -> b -> a",
        "its phase is sequential",
    ),
    Mistake(
        "cycle",
        TWO_PHASES.replace("- name: p", "- name: p\n    depends_on: [⟦q]").replace(
            "- name: q", "- name: q\n    depends_on: [p]"
        ),
        "phase p -> phase q -> phase p",
    ),
    Mistake(
        "bad-trigger", task("- id: a\n  run: x\n  trigger: ⟦all_done"), "a needs none", "needs"
    ),
    Mistake(
        "contradiction",
        HEAD + "inputs: {⟦i: {required: true, default: x}}\n" + ONE[len(HEAD) :],
        "required and has a default",
    ),
    Mistake("contradiction", task("- id: a\n  run: x\n  ⟦prompt: y"), "`prompt` is for agents"),
    Mistake("contradiction", task("- id: a\n  run: x\n  ⟦backend: local"), "backend local"),
    Mistake(
        "contradiction",
        task("- id: a\n  run: x\n  ⟦retry: {backoff: 1s}"),
        "tried once",
        "max_attempts: 2",
    ),
    Mistake(
        "contradiction",
        task("- id: a\n  run: x\n  retry: ⟦{max_attempts: 2, backoff: 9s, max_backoff: 1s}"),
        "longer",
    ),
    Mistake(
        "contradiction", gate("name: g, kind: human, ⟦command: x"), "g is human", "kind: command"
    ),
    Mistake(
        "contradiction",
        gate("name: g, kind: tests, ⟦remind: 1h"),
        "`remind` is for gates of kind human",
        "kind: human",
    ),
    Mistake("contradiction", gate("name: g, kind: human, ⟦each_merge: true"), "tests, coverage"),
    Mistake("contradiction", gate("name: g, kind: tests, ⟦min_percent: 5"), "kind coverage"),
    Mistake("contradiction", gate("name: g, kind: coverage, ⟦max_new: 5"), "kind findings"),
    Mistake(
        "contradiction",
        gate("name: g, kind: findings, ⟦max_files: 5").replace(
            "run: x", "run: x\n        writes: a"
        ),
        "kind diff",
    ),
    Mistake(
        "contradiction",
        gate("name: g, kind: command, command: x, ⟦at_end: false"),
        "never asked",
        "each_merge: true",
    ),
    Mistake(
        "contradiction",
        WRITER + "resolver: {run: x, ⟦prompt: y}\n",
        "`prompt` is for agents, and the resolver runs a command",
    ),
    Mistake(
        "bad-default",
        HEAD + "inputs: {⟦i: {type: integer, default: x}}\n" + ONE[len(HEAD) :],
        "not of type integer",
    ),
    Mistake(
        "bad-default",
        HEAD + "inputs: {⟦i: {choices: [a, b], default: c}}\n" + ONE[len(HEAD) :],
        "not among",
        "a, b",
    ),
    Mistake(
        "bad-choice",
        HEAD + "inputs: {⟦i: {choices: [a, 1]}}\n" + ONE[len(HEAD) :],
        "choice 1",
        "quotes",
    ),
    Mistake("bad-output-path", task("- id: a\n  run: x\n  outputs: [⟦../x]"), "'../x'"),
    Mistake("bad-output-path", task("- id: a\n  run: x\n  outputs: [⟦/etc/passwd]")),
    Mistake("bad-output-path", task("- id: a\n  run: x\n  outputs: [{name: o, path: ⟦a/./b}]")),
    Mistake("bad-output-path", task("- id: a\n  run: x\n  outputs: [{name: o, path: ⟦'a\\b'}]")),
    Mistake("bad-output-path", task("- id: a\n  run: x\n  outputs: [{name: o, path: ⟦~/b}]")),
    *[
        Mistake("bad-pattern", task(f"- id: a\n  run: x\n  writes: {written}"), says, "src/**")
        for written, says in (
            ("⟦/etc/**", "is not relative"),
            ("[src/**, ⟦~/x]", "is not relative"),
            ("⟦src/../../x", "leads out"),
            ("[⟦..]", "leads out"),
            ("⟦.git/config", "is git's own"),
            ("⟦src\\x", "is not a path"),
        )
    ],
    # -- lists ---------------------------------------------------------------------------------
    *[
        Mistake("bad-each", fix(f"prompt: x\neach: ⟦{text}"), "names no output", "tasks.<id>")
        for text in (
            "fixes",
            "tasks.triage",
            "tasks.triage.outputs.fixes.path",
            "inputs.fixes",
            "a b",
            "tasks.fix.outputs.x",
        )
    ],
    Mistake(
        "bad-each",
        fix("prompt: x\neach: ⟦tasks.triage.outputs['notes.md']"),
        "is text/markdown",
        "ends in .json",
    ),
    Mistake("unknown-name", fix("prompt: x\neach: ⟦tasks.triag.outputs.fixes"), "no task triag"),
    Mistake(
        "unknown-name",
        fix("prompt: x\neach: {list: ⟦tasks.triage.outputs.fixed}"),
        "no output fixed",
        "did you mean fixes?",
    ),
    Mistake(
        "unknown-name",
        fix(f"each: {FIXES}\nprompt: x\noutputs: [o.json]")
        + "      - {id: b, agent: architect, needs: [fix],\n"
        + "         prompt: \"{{ ⟦tasks.fix.outputs['o.json'].path }}\"}\n",
        "leaves no outputs of its own",
    ),
    Mistake(
        "not-upstream",
        fix(f"prompt: x\neach: ⟦{FIXES}", "[]"),
        "before task triage is certain",
        "add triage to `needs:`",
    ),
    Mistake(
        "maybe-missing",
        fix(f"prompt: x\ntrigger: all_done\neach: ⟦{FIXES}"),
        "there is then no list",
        warning=True,
    ),
    Mistake(
        "unknown-name", fix("prompt: see {{ ⟦item.path }}"), "a task with `each`, and nowhere else"
    ),
    Mistake(
        "unknown-name",
        fix(f"each: {FIXES}\nprompt: x\nwhen: ⟦item.path == 'a'"),
        "item.path has a value in the prompt",
    ),
    Mistake("unknown-name", fix(f"each: {FIXES}\nprompt: see {{{{ ⟦item }}}}"), "", "item.<name>"),
    Mistake(
        "unknown-name",
        WRITER + "resolver: {agent: architect, prompt: 'see {{ ⟦item.path }}'}\n",
        "nowhere else",
    ),
    Mistake(
        "missing-input",
        WRITER + "resolver: {agent: architect, prompt: 'see {{ ⟦inputs.x }}'}\n",
        "no input x",
    ),
    Mistake(
        "maybe-missing",
        LIST.replace("run: x", "run: x\n        writes: a")
        + f"resolver: {{agent: architect, prompt: 'see {{{{ ⟦{FIXES}.path }}}}'}}\n",
        "work may conflict before triage has ended",
        warning=True,
    ),
    # -- conditions and prompts ----------------------------------------------------------------
    Mistake(
        "bad-expression", task("- id: a\n  run: x\n  when: true ⟦&& false"), "'&'", "write `and`"
    ),
    Mistake("bad-expression", task("- id: a\n  run: x\n  when: 'true ⟦&& false'")),
    Mistake("bad-expression", task("- id: a\n  run: x\n  when: |\n    true\n    ⟦&& false")),
    Mistake(
        "bad-expression",
        gate("name: g, kind: condition, condition: tasks.a.attempts ⟦== '1'"),
        "number with a text",
    ),
    Mistake("bad-expression", ONE + "    when: ⟦run.request\n", "neither true nor false"),
    Mistake("constant-condition", ONE + "    when: ⟦false\n", "always false", warning=True),
    Mistake(
        "constant-condition",
        task("- id: a\n  run: x\n- id: b\n  run: x\n  needs: [a]\n  when: ⟦tasks.a.ok"),
        "holds whenever",
        warning=True,
    ),
    Mistake(
        "unreachable",
        task(
            "- id: a\n  run: x\n- id: b\n  run: x\n  needs: [a]\n"
            "  when: ⟦tasks.a.status == 'failed'"
        ),
        "only when all it needs",
        "all_done",
    ),
    Mistake(
        "unknown-status",
        gate("name: g, kind: condition, condition: tasks.a.status == ⟦'success'"),
        "'success'",
        "succeeded",
        warning=True,
    ),
    Mistake(
        "missing-input",
        task("- id: a\n  run: x\n  when: ⟦inputs.deep"),
        "no input deep",
        "declare it",
    ),
    Mistake(
        "missing-input",
        AGENT + "        prompt: hi {{ ⟦inputs.reqest }}\n",
        "",
        "did you mean request?",
    ),
    Mistake(
        "unknown-name",
        task("- id: a\n  run: x\n  when: true or ⟦task.a.ok"),
        "cannot have",
        "did you mean tasks?",
    ),
    Mistake(
        "unknown-name",
        task("- id: alpha\n  run: x\n- id: b\n  run: x\n  when: ⟦tasks.alfa.ok"),
        "no task alfa",
        "did you mean alpha?",
    ),
    Mistake(
        "unknown-name",
        ONE + "    gates: [{name: g, kind: condition, condition: ⟦phases.q.status == 'done'}]\n",
        "no phase q",
    ),
    Mistake(
        "unknown-name",
        reads("x.md", "y"),
        "no output y",
    ),
    Mistake(
        "unknown-name",
        AGENT + "        prompt: read {{ ⟦tasks.a.outputs.x.md.path }}\n",
        "cannot have a value",
        "brackets",
    ),
    Mistake(
        "not-upstream",
        task("- id: a\n  run: x\n- id: b\n  run: x\n  when: ⟦tasks.a.ok"),
        "certain to have ended",
        "add a to `needs:`",
    ),
    Mistake("not-upstream", ONE + "    when: ⟦phases.p.status == 'done'\n", "certain to be done"),
    Mistake(
        "bad-template",
        AGENT + "        prompt: |\n          one\n          two ⟦{{ }}\n",
        "not followed by a name",
        "{{{{",
    ),
    Mistake(
        "maybe-missing",
        HEAD
        + "inputs: {i: {}}\n"
        + task("- id: a\n  run: x\n  when: ⟦inputs.i == 'x'")[len(HEAD) :],
        "when none is given",
        warning=True,
    ),
    Mistake(
        "maybe-missing",
        reads("{name: o, path: o, required: false}", "o"),
        "not required",
        warning=True,
    ),
    Mistake(
        "maybe-missing",
        fix(f"prompt: x\noutputs: [o]\nsplit: {FIXES}")
        + "      - id: last\n        agent: architect\n        needs: [fix]\n"
        "        prompt: see {{ ⟦tasks.fix.outputs.o.path }}\n",
        "each of its parts has its own",
        warning=True,
    ),
    Mistake(
        "maybe-missing",
        reads("o", "o", "        trigger: all_done\n"),
        "when a failed",
        warning=True,
    ),
    Mistake(
        "not-a-template",
        task("- id: a\n  run: echo ⟦{{ inputs.x }}"),
        "not filled in",
        "$ORCHESTRATE_INPUT_",
        warning=True,
    ),
    Mistake(
        "no-effect",
        ONE.replace("name: p\n", "name: p\n    parallel: false\n    ⟦max_concurrent: 2\n"),
        "one task at a time",
        warning=True,
    ),
    Mistake(
        "not-a-template",
        task("- id: a\n  run: x\n  env: {A: 'x ⟦{{ inputs.x }}'}"),
        "variables are not filled in",
        warning=True,
    ),
    Mistake(
        "not-a-template",
        fix(f"each: {FIXES}\nprompt: x\nwrites: ['⟦{{{{ item.path }}}}']"),
        "patterns are not filled in",
        "let each item",
        warning=True,
    ),
    Mistake("no-effect", ONE + "⟦resolver: {run: x}\n", "no task of this", "writes", warning=True),
    Mistake("no-effect", ONE + "⟦merge_batch: 1\n", "no task of this workflow", warning=True),
    Mistake("no-effect", ONE + "⟦checkpoint_every: 1m\n", "no task of this", warning=True),
    Mistake("no-effect", ONE + "⟦rollback: never\n", "no task of this workflow", warning=True),
    Mistake(
        "no-effect", gate("name: g, kind: ⟦diff, max_files: 1"), "no task of this", warning=True
    ),
    Mistake(
        "no-effect",
        gate("name: g, kind: tests, ⟦each_merge: true"),
        "no task of phase p",
        warning=True,
    ),
    Mistake(
        "no-effect",
        TWO_PHASES.replace("id: a\n", "id: a\n        writes: x\n")
        + "    gates: [{name: g, kind: tests, ⟦allow_unknown: true}]\n",
        "no task of phase q writes",
        warning=True,
    ),
    Mistake("no-effect", gate("name: g, kind: tests, ⟦at_end: false"), "no task of", warning=True),
    Mistake(
        "no-effect",
        gate("name: g, kind: coverage, ⟦allow_unknown: true"),
        "not asked before a merge",
        "each_merge: true",
        warning=True,
    ),
    Mistake(
        "no-effect",
        gate("name: g, kind: human, deadline: 1h, ⟦remind: 2h"),
        "before the first reminder",
        warning=True,
    ),
    Mistake(
        "bad-pattern",
        task("- id: a\n  run: x\n  writes: true\n  sparse: [⟦../other]"),
        "leads out of the repository",
        "name folders",
    ),
    Mistake(
        "bad-pattern",
        task("- id: a\n  run: x\n  writes: true\n  sparse: [⟦src/*]"),
        "is a pattern",
        "name folders",
    ),
    Mistake(
        "no-effect", task("- id: a\n  run: x\n  ⟦max_returns: 1"), "writes nothing", warning=True
    ),
    Mistake(
        "no-prompt",
        HEAD + "phases: [{name: p, agents: [⟦architect]}]\n",
        "nothing to do",
        warning=True,
    ),
    # -- staff ---------------------------------------------------------------------------------
    Mistake("bad-alternative", f"{AGENT}        alternatives: [⟦'a b']\n", "'a b'", "@BACKEND"),
    Mistake("bad-alternative", f"{AGENT}        alternatives: [⟦'@']\n", "neither an agent"),
    Mistake(
        "unknown-agent", f"{AGENT}        alternatives: [⟦architct@codex]\n", "", "mean architect?"
    ),
    Mistake("unknown-agent", f"{AGENT}        escalate: ⟦orchestrater\n", "no agent orchestrater"),
    Mistake("duplicate-item", f"{AGENT}        alternatives: ['@a', ⟦'@a']\n", "listed twice"),
    Mistake("contradiction", f"{ONE}        ⟦model: x\n", "`model` is for agents", "remove"),
    Mistake("contradiction", f"{ONE}        ⟦hand_over: true\n", "`hand_over` is for agents"),
    Mistake(
        "contradiction", f"{AGENT}        ⟦must_change: true\n", "and writes nothing", "writes:"
    ),
    Mistake(
        "contradiction",
        fix(f"each: {FIXES}\n⟦split: {FIXES}"),
        "for each item of a list already",
        "`each` or `split`",
    ),
    Mistake("bad-each", fix("split: ⟦fixes"), "names no output", "tasks.<id>.outputs"),
    Mistake(
        "not-upstream", fix(f"split: ⟦{FIXES}", "[]"), "certain to have ended", "triage to `needs:`"
    ),
    Mistake("unknown-key", fix(f"split: {{list: {FIXES}, ⟦most: 3}}"), "'most'"),
    Mistake("bad-value", f"{AGENT}        generate: ⟦bilder\n", "is one of", "mean builder?"),
    Mistake("bad-duration", f"{AGENT}        hand_over: {{deadline: ⟦0s}}\n", "more than zero"),
    Mistake(
        "no-effect",
        f"{AGENT}        backend: local\n        ⟦model: x\n",
        "no model performs task a",
        "remove",
        warning=True,
    ),
    # -- budgets -------------------------------------------------------------------------------
    Mistake("out-of-range", f"{AGENT}        budget: {{cost_usd: ⟦0}}\n", "is more than 0, not 0"),
    Mistake(
        "out-of-range", f"{ONE}limits: {{budget: {{tokens: ⟦-5}}}}\n", "`tokens` is at least 1"
    ),
    Mistake("out-of-range", f"{ONE}    budget: {{turns: ⟦0}}\n", "`turns` is at least 1"),
    Mistake("bad-duration", f"{ONE}limits: {{budget: {{time: ⟦0s}}}}\n", "more than zero"),
    Mistake("empty", f"{ONE}limits: {{budget: ⟦{{}}}}\n", "`budget` is empty"),
    Mistake(
        "unknown-key", f"{ONE}limits: {{budget: {{⟦usd: 5}}}}\n", "'usd'", "did you mean cost_usd?"
    ),
    Mistake("wrong-type", f"{ONE}limits: {{backends: {{claude: ⟦5}}}}\n", "a mapping"),
    # -- answers -------------------------------------------------------------------------------
    Mistake("missing-key", f"{AGENT}        returns: {{x: ⟦{{}}}}\n", "no `type`", "add `type:`"),
    Mistake("bad-value", returns("type: ⟦text"), "is one of string", ""),
    Mistake("unknown-key", returns("type: string, ⟦pattern: a"), "'pattern'", "known keys: descr"),
    Mistake("bad-returns", returns("type: ⟦array"), "what is in it", "add `items:`"),
    Mistake("bad-returns", returns("type: ⟦object"), "what is in it", "add `properties:`"),
    Mistake("bad-returns", returns("type: string, ⟦items: {type: string}"), "for type array"),
    Mistake("bad-returns", returns("type: integer, enum: [1, ⟦b]"), "'b' is not of type integer"),
    Mistake("bad-returns", returns("type: boolean, ⟦enum: [true]"), "texts and numbers"),
    Mistake(
        "bad-returns",
        AGENT + "        returns: {⟦summary: {type: string}}\n",
        "every answer has a field summary",
        "rename",
    ),
    Mistake(
        "bad-returns",
        returns(5 * "type: array, items: {" + "type: string" + 5 * "}").replace(
            "{type: string", "⟦{type: string"
        ),
        "5 levels deep",
        "flatter",
    ),
    Mistake("bad-name", f"{AGENT}        returns: {{⟦a-b: {{type: string}}}}\n", "not a name"),
    # -- tests that show a bug -----------------------------------------------------------------
    Mistake("missing-key", shown("").replace("- {name: g", "- ⟦{name: g"), "no `task`", "`task:`"),
    Mistake("unknown-task", shown(", task: ⟦bb"), "no task bb", "did you mean b?"),
    Mistake("contradiction", shown(", task: ⟦a"), "delivers none of its own", "`writes:` tests"),
    Mistake(
        "contradiction",
        fix(f"prompt: x\nwrites: true\nsplit: {FIXES}")
        + "    gates:\n      - {name: g, kind: reproduces, task: ⟦fix}\n",
        "may be split into several",
        "`split:` away",
    ),
    Mistake("not-upstream", shown(", task: ⟦b", "fixed"), "certain to be there", "on phase q"),
    Mistake(
        "contradiction",
        shown(", task: ⟦b")
        .replace("run: x\n  - name: q", "run: x\n        writes: x\n  - name: q")
        .replace("task: ⟦b", "task: ⟦a"),
        "asked of work of its phase, and a is of phase p",
        "move the gate to phase p",
    ),
    Mistake(
        "contradiction",
        gate("name: g, kind: human, ⟦task: a"),
        "for gates of kind reproduces, fixed",
        "`kind: reproduces` or `kind: fixed`",
    ),
    Mistake("bad-expression", gate("name: g, kind: human, when: 'tasks.a.ok ==⟦= true'"), "", ""),
    Mistake(
        "not-upstream",
        WRITER + "    gates:\n      - {name: g, kind: tests, when: ⟦tasks.a.ok}\n",
        "certain to have ended",
    ),
]
