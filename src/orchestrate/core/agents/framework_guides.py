"""What a builder is told about a framework: two to four points each. Data only."""

from __future__ import annotations

#: Framework as `Stack` has it -> guidance.
FRAMEWORK_GUIDES: dict[str, tuple[str, ...]] = {
    "django": (
        "A changed model needs its migration (`makemigrations`), and one that holds no long lock:"
        " add nullable, fill, then constrain.",
        "Queries in loops: `select_related`, `prefetch_related`; prove it with `assertNumQueries`.",
        "Never build SQL or HTML from text: ORM, `params`, templates with escaping on.",
        "Permissions are checked in the view and by object, not in the template.",
    ),
    "django-rest-framework": (
        "Serializers name their fields (never `__all__` in what can be written); `read_only_fields`"
        " for what clients must not set.",
        "Filter the queryset by the user in `get_queryset`; test with `APIClient` as another user.",
    ),
    "flask": (
        "Nothing at module level needs the app: use `create_app`, blueprints, `current_app`.",
        "Test with `app.test_client()` and a fresh app; check status, body and headers.",
        "Validate `request.json` yourself: it may be any JSON value, or None.",
    ),
    "fastapi": (
        "Bodies and answers are models: `response_model` keeps inner fields from leaking.",
        "`async def` must not block: blocking work is in `def`, or in a thread.",
        "Replace dependencies in tests with `app.dependency_overrides`, and clear it afterwards.",
    ),
    "starlette": (
        "`async` endpoints must not block; test with `TestClient` as a context manager.",
    ),
    "aiohttp": (
        "One `ClientSession` for the life of the app, with a time-out; close it in its cleanup.",
    ),
    "tornado": ("Handlers are coroutines and must not block; test with `AsyncHTTPTestCase`.",),
    "pyramid": ("Test views with `testing.DummyRequest`, routes and permissions with `WebTest`.",),
    "sqlalchemy": (
        "A session has an owner who commits or rolls back; objects are not used after it.",
        "Text goes into SQL as bound parameters only; lazy loading in loops is `selectinload`.",
        "A changed model needs its Alembic migration, with a way back.",
    ),
    "celery": (
        "Tasks can run twice and late: make them idempotent, pass ids and not objects.",
        "Enqueue after the commit; time limits and retries with backoff are explicit.",
    ),
    "pydantic": (
        "Look at the major version first: validators and `Config` differ between 1 and 2.",
        "Validate at the border once; inside, pass models on.",
    ),
    "click": (
        "Test with `CliRunner`: exit code, output, and files in `isolated_filesystem`.",
        "Wrong usage is `click.UsageError`; output goes through `click.echo`.",
    ),
    "typer": ("Test with `typer.testing.CliRunner`: exit code and output.",),
    "pytest": (
        "Fixtures clean up after `yield`; the narrowest scope that works; no order between tests.",
    ),
    "hypothesis": (
        "A property that fails is kept as `@example`; do not silence health checks to pass.",
    ),
    "react": (
        "Hooks at top level only, with complete dependencies; derive what can be derived instead"
        " of a state kept in step by an effect.",
        "Effects clean up; a late answer of a request must not overwrite a newer one.",
        "Test by role and text as a user would, with Testing Library; no test of inner state.",
        "Lists have stable keys; `dangerouslySetInnerHTML` only with sanitised text.",
    ),
    "next": (
        "See first which router it is (`app/` or `pages/`); `use client` as low as possible.",
        "Server actions and route handlers check who asks: they are public endpoints.",
        "Only `NEXT_PUBLIC_` variables reach the browser; say what is cached and for how long.",
    ),
    "vue": (
        "Composition or options API as in the files beside it; props are never changed.",
        "`computed` for what follows from state; `watch` only for effects, and it cleans up.",
        "No `v-html` with text from outside; test with Vue Test Utils, await `nextTick`.",
    ),
    "nuxt": (
        "Data is fetched with `useFetch` or `useAsyncData`, or it is fetched twice.",
        "Secrets are in private `runtimeConfig`; server routes validate what they read.",
    ),
    "svelte": (
        "See the major version first: runes or `$:` statements, never both in one file.",
        "No `{@html}` with text from outside; test with Testing Library.",
    ),
    "sveltekit": (
        "What is in `+page.server.ts` stays on the server; form actions validate and check"
        " who asks.",
    ),
    "angular": (
        "Subscriptions end (`async` pipe, `takeUntilDestroyed`); test with `TestBed`.",
        "No `bypassSecurityTrust…` for text from outside.",
    ),
    "express": (
        "A rejected promise in a handler of version 4 hangs the request: pass it to `next`.",
        "The error handler has four arguments and comes last; the order of middleware is meaning.",
        "Validate body, query (may be an array or object) and params; test with supertest.",
    ),
    "fastify": (
        "Routes have schemas for body and answer; plugins and decorators keep their scope.",
        "Test with `app.inject`, and close the app.",
    ),
    "nestjs": (
        "DTOs are classes with decorators and a `ValidationPipe` with `whitelist`.",
        "Providers are in their module; replace them in tests with `overrideProvider`.",
        "Guards decide who may: test them with a request, not only the service.",
    ),
    "koa": ("Every middleware awaits `next()`; errors are handled at the outermost one.",),
    "jest": ("Mocks are hoisted and shared in the file: reset them; `--runInBand` finds races.",),
    "vitest": ("Runs in watch mode on a terminal: use `vitest run`; `vi.restoreAllMocks` after.",),
    "mocha": ("Return or await promises; arrow functions have no `this.timeout`; no `.only`.",),
    "gin": (
        "`ShouldBind…` with tags, and answer at once: `Bind…` writes 400 by itself.",
        "Copy the context (`c.Copy()`) for a goroutine; `c.Abort…` does not return.",
        "Test with `httptest.NewRecorder` through the router.",
    ),
    "echo": (
        "Handlers return errors (`echo.NewHTTPError`); one error handler writes them.",
        "`Bind` also reads the query: bind into a struct of its own, and validate.",
    ),
    "fiber": ("Values of the context are reused after the handler: copy what you keep.",),
    "chi": ("Middleware before routes; test with `httptest` through the router.",),
    "grpc": (
        "Generated files are made anew from `.proto`, never edited; field numbers never change.",
        "Return `status.Error` with a code; honour the deadline of the context.",
    ),
    "gorm": (
        "Struct conditions leave out zero values: use a map or explicit columns.",
        "Check `.Error` of every call; `First` without a row is an error.",
    ),
    "cobra": ("Use `RunE` and `cmd.OutOrStdout()`; test with `SetArgs` and `SetOut`.",),
    "testify": ("`require` stops the test and must not be called from another goroutine.",),
    "axum": (
        "Extractors in the right order: the one that reads the body is last.",
        "Errors implement `IntoResponse` and hide inner text; state is `Clone` and shared.",
        "Test the router with `tower::ServiceExt::oneshot`.",
    ),
    "actix": (
        "Blocking work is in `web::block`; shared state in `web::Data`, made outside the closure.",
        "Errors implement `ResponseError`; test with `test::init_service`.",
    ),
    "rocket": ("Guards decide who may; test with `rocket::local::blocking::Client`.",),
    "warp": ("Filters reject with types of yours and one `recover`; test with `warp::test`.",),
    "tokio": (
        "Never block a worker thread: `spawn_blocking`; hold no `std` lock across `.await`.",
        "What is cancelled stops at an `.await`: keep state consistent there. Handles are awaited.",
        "Tests with time use `#[tokio::test(start_paused = true)]`.",
    ),
    "serde": (
        "A renamed or new field breaks stored data: `default`, `alias`, and a test with old data.",
    ),
    "sqlx": (
        "Parameters are bound, never formatted; after a changed query run `cargo sqlx prepare`.",
    ),
    "diesel": ("`schema.rs` is made by migrations; a migration has a way back.",),
    "clap": ("`Command::debug_assert()` in a test; options keep their spelling.",),
    "proptest": ("Failing cases are kept in `proptest-regressions/`: commit them.",),
    "spring": (
        "`@Transactional` works on public methods called from outside the bean only.",
        "Beans have no state per request; inject by constructor.",
    ),
    "spring-boot": (
        "The narrowest test slice (`@WebMvcTest`, `@DataJpaTest`) before `@SpringBootTest`.",
        "Bodies are validated (`@Valid`) and are no entities; properties are typed classes.",
        "A changed entity needs its migration (Flyway, Liquibase); lazy loading ends with the"
        " transaction.",
        "Endpoints are closed unless the security chain opens them: test as nobody, too.",
    ),
    "quarkus": (
        "Reflection needs `@RegisterForReflection` in a native image; build-time settings are"
        " fixed then.",
        "Reactive methods must not block: `@Blocking`; test with `@QuarkusTest` and REST Assured.",
    ),
    "micronaut": (
        "Beans are resolved when it is compiled: `@Introspected` for what is serialised.",
        "Test with `@MicronautTest` and an injected client.",
    ),
    "jakarta": ("Beans are proxied: final classes and methods are not; transactions are by bean.",),
    "hibernate": (
        "Fetch what is needed in the query (`join fetch`); no lazy loading outside a transaction.",
        "`equals` of entities by business key; SQL by parameters only.",
    ),
    "junit5": ("Imports are `org.junit.jupiter.api`; methods need not be public.",),
    "junit4": ("Imports are `org.junit`; methods are public; `@Test(expected = …)` or a rule.",),
    "mockito": ("Strict stubs; verify effects, not every call; mock no value objects.",),
    "assertj": ("`assertThat(x)` alone checks nothing: an assertion must follow.",),
}
