"""What specialists and optimizers are told about their subject. Data only.

A subject without an entry gets the general procedure, and the text says that there is no more.
"""

from __future__ import annotations

import msgspec


class SubjectGuide(msgspec.Struct, frozen=True):
    """Guidance on a subject: what to look at, and by what a result is known to be one."""

    look: tuple[str, ...]
    proof: tuple[str, ...]


SPECIALIST_GUIDES: dict[str, SubjectGuide] = {
    "performance": SubjectGuide(
        look=(
            "Where the time goes, by a profiler, before anything else: own time, calls, waiting.",
            "Work that is done again and again: queries in loops, parsing, compiling, copying.",
            "Growth with the size of the input: try three sizes and compare.",
            "Waiting: locks, the network, the disk, one request after the other.",
        ),
        proof=(
            "A measurement has the command, the input, the machine, the number of runs and their"
            " spread; one run is none.",
        ),
    ),
    "api": SubjectGuide(
        look=(
            "The contract as callers see it: names, types, defaults, errors, paging, order, units.",
            "What breaks callers: a removed or narrowed input, a widened output, another default.",
            "Retries: which calls can be sent twice, and how the second is recognised.",
            "Who may call what, how much, and what an error gives away.",
        ),
        proof=(
            "Each rule has a request and its answer, valid and invalid, as a test or an example.",
            "The description (OpenAPI, proto, GraphQL) and the code are compared, not believed.",
        ),
    ),
    "deploy": SubjectGuide(
        look=(
            "From commit to running: each step, who starts it, what it needs, how long it takes.",
            "The way back: what undoes a release, what cannot be undone (data, messages).",
            "Old and new at the same time: schema, queue and cache must serve both.",
            "Secrets and permissions: where they come from, who can read them, what they allow.",
            "Pinned versions and digests; what is fetched at deploy time and from where.",
        ),
        proof=(
            "A plan, dry run or diff of the tool itself; you deploy nothing.",
            "For every step the check that shows it worked, and the step that takes it back.",
        ),
    ),
    "database": SubjectGuide(
        look=(
            "Queries by their plan on real sizes: scans, sorts, rows read against rows returned.",
            "Indexes that serve nothing, and those that are missing for a foreign key or filter.",
            "Migrations: locks held, table rewrites, what happens if they stop half-way.",
            "Transactions: their length, isolation, order of locks, and what is retried.",
        ),
        proof=(
            "The plan before and after, on data of the stated size.",
            "A migration runs forward, back and forward again on a copy.",
        ),
    ),
    "migration": SubjectGuide(
        look=(
            "What exists: versions, data, callers, and what nobody uses any more.",
            "Steps that can each be released and taken back, with old and new side by side.",
            "Data that the new form cannot hold: count it before, and say what becomes of it.",
        ),
        proof=("Counts and digests of the data before and after; a run on a copy, with its time.",),
    ),
    "security": SubjectGuide(
        look=(
            "Ways in, and input on its way to commands, queries, paths, templates, requests.",
            "Who may do what, checked where the object is used; tenants kept apart.",
            "Secrets in code, logs and errors; crypto that is home-made or out of date.",
            "Dependencies with advisories, and whether the vulnerable part is reached.",
        ),
        proof=(
            "A test that shows the flaw without doing harm, or the path of the input line by line.",
        ),
    ),
    "accessibility": SubjectGuide(
        look=(
            "Keyboard alone: order, focus that can be seen, no trap, everything reachable.",
            "Names and roles: native elements first, labels, alternatives to pictures, live parts.",
            "Contrast, zoom to 200 %, motion that can be turned off, errors told in text.",
        ),
        proof=(
            "A checker's output (axe or what the project has) and a walk by keyboard.",
            "Each finding names the WCAG criterion and the element.",
        ),
    ),
    "testing": SubjectGuide(
        look=(
            "What matters and no test would notice: break it on purpose and see.",
            "Tests that cannot fail, that depend on order, time, network or each other.",
            "Time of the suite: the slowest tests, what they wait for.",
        ),
        proof=("A mutation that survives before and is caught after.",),
    ),
    "observability": SubjectGuide(
        look=(
            "Questions of the person on call: what fails, since when, for whom, where.",
            "Logs with an id that goes through all parts; levels; no secret and no person's data.",
            "Metrics with bounded labels; traces across borders; alerts that ask for an action.",
        ),
        proof=("A failure made on purpose, and the log line, metric and alert that show it.",),
    ),
}

OPTIMIZER_GUIDES: dict[str, SubjectGuide] = {
    "performance": SubjectGuide(
        look=(
            "The hottest path of a profile; algorithm and number of calls before instructions.",
            "Work that can be left out, done once, or done together; then caching, with a limit"
            " and a way to become invalid.",
        ),
        proof=("Median and spread of at least five runs before and after, on the same input.",),
    ),
    "query": SubjectGuide(
        look=(
            "The query's plan; rows read against rows returned; how often it is sent.",
            "Fewer columns, a matching index, one query instead of N, keyset instead of offset.",
        ),
        proof=("Plan and rows read before and after; the same rows in the same order.",),
    ),
    "memory": SubjectGuide(
        look=(
            "Who holds it: heap profile by type and place, growth over many rounds.",
            "Streams instead of lists, bounded caches, references that outlive their use.",
        ),
        proof=("Peak and level after N rounds, before and after; the same output.",),
    ),
    "bundle": SubjectGuide(
        look=(
            "The bundle analysed by module; duplicates, polyfills, a library for one function.",
            "Splitting by route, imports on demand, side effects declared, images and fonts.",
        ),
        proof=("Sizes, raw and compressed, of each chunk before and after; the app still starts.",),
    ),
    "build": SubjectGuide(
        look=(
            "The time of each step; what is done again though nothing changed.",
            "Caches keyed on what matters, steps side by side, fewer files looked at.",
        ),
        proof=("Clean and incremental time before and after; the same artifacts by digest.",),
    ),
    "test": SubjectGuide(
        look=(
            "The slowest tests; set-up that can be shared safely; sleeps; real network.",
            "Tests side by side, if they do not share files, ports or rows.",
        ),
        proof=("The same tests by name, all passing, in random order, and the time of each run.",),
    ),
    "startup": SubjectGuide(
        look=(
            "What is loaded and done before the first useful step: an import or trace profile.",
            "Load on demand, defer, cache what was computed; keep errors as early as before.",
        ),
        proof=("Median of at least ten cold starts before and after.",),
    ),
    "cost": SubjectGuide(
        look=(
            "What is billed: requests, storage, transfer, idle machines, tokens; largest first.",
            "Fewer and smaller calls, batches, retention, sizes that fit the load.",
        ),
        proof=("Units before and after from a measurement, times the price with its date.",),
    ),
}
#: What people also write for a subject.
SUBJECT_ALIASES: dict[str, str] = {
    "perf": "performance",
    "speed": "performance",
    "deployment": "deploy",
    "infrastructure": "deploy",
    "db": "database",
    "sql": "query",
    "a11y": "accessibility",
    "tests": "test",
}
