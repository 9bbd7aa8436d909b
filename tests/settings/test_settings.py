"""What is set, by whom, and what a person is told of a mistake."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from anton.agents.roster import conversationalist, delegates, roster
from anton.core.agent import AGENTS
from anton.core.errors import UsageError
from anton.settings import Settings, hook_environment_of_process, load_settings, repository_settings

EXAMPLE = Path(__file__).parents[2] / "examples" / "anton.toml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / ".config" / "anton").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture
def user_file(home: Path) -> Path:
    return home / ".config" / "anton" / "anton.toml"


def refused(toml: str, cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    (cwd / "anton.toml").write_text(toml)
    with pytest.raises(UsageError) as error:
        load_settings({"HOME": "/home/ada", **(environ or {})}, cwd)
    return str(error.value).removeprefix(f"{cwd}/")


# Layers


def test_without_any_setting_there_are_the_defaults(cwd: Path) -> None:
    settings = load_settings({"HOME": "/home/ada"}, cwd)
    assert settings.home == Path("/home/ada/.local/state/anton")
    assert settings.model.base_url == "https://api.openai.com/v1"
    assert (settings.model.api_key, settings.model.name, settings.repo_cwd) == (None, None, None)
    assert (settings.tests.command, settings.tests.timeout_seconds, settings.run.rounds) == ((), 120, 2)
    assert settings.sandbox.kind == "auto"
    assert settings.origin("model", "base_url") == "default"
    assert settings.notices == ()


def test_the_agents_limits_are_those_of_the_roster(cwd: Path) -> None:
    limits = load_settings({"HOME": "/home/ada"}, cwd).agents
    others = (conversationalist(), *delegates())
    assert tuple(type(limits).model_fields) == (*AGENTS, *(spec.name for spec in others))
    for spec in (*roster(), *others):
        own = getattr(limits, spec.name)
        assert (own.turns, own.seconds) == (spec.turns, spec.seconds)


def test_later_layers_win_key_by_key_and_each_value_tells_its_origin(
    home: Path, cwd: Path, user_file: Path
) -> None:
    user_file.write_text(
        '[model]\nname = "user"\nidle_seconds = 5\n[run]\nrounds = 3\n[agents.code]\nturns = 9\n'
    )
    (cwd / "anton.toml").write_text(
        '[model]\nname = "here"\nbase_url = "http://localhost:1/v1/"\n[run]\nrounds = 4\n'
    )
    environ = {"HOME": str(home), "MODEL": "environment", "API_KEY": "sk-1\n", "REPO_CWD": ""}
    settings = load_settings(environ, cwd, overrides={"model.name": "command line", "run.rounds": None})
    assert (settings.model.name, settings.origin("model", "name")) == ("command line", "command line")
    assert (settings.model.base_url, settings.origin("model", "base_url")) == (
        "http://localhost:1/v1",
        str(cwd / "anton.toml"),
    )
    assert (settings.run.rounds, settings.model.idle_seconds) == (4, 5)
    assert settings.origin("model", "idle_seconds") == str(user_file)
    assert settings.origin("model", "api_key") == "environment API_KEY"
    assert (settings.agents.code.turns, settings.agents.code.seconds) == (9, 180)
    assert settings.model.api_key is not None
    assert settings.model.api_key.get_secret_value() == "sk-1"


def test_a_named_file_takes_the_place_of_the_one_here(cwd: Path, tmp_path: Path) -> None:
    (cwd / "anton.toml").write_text("[run]\nrounds = 3\n")
    for name, rounds in (("a.toml", 4), ("b.toml", 5)):
        (tmp_path / name).write_text(f"[run]\nrounds = {rounds}\n")
    environ = {"HOME": "/nowhere", "ANTON_CONFIG": "../a.toml"}
    assert load_settings(environ, cwd).run.rounds == 4
    assert load_settings(environ, cwd, config=tmp_path / "b.toml").run.rounds == 5


def test_paths_are_relative_to_the_file_that_holds_them(cwd: Path, user_file: Path, home: Path) -> None:
    user_file.write_text('home = "state"\n[tests]\npython = "~/venv/bin/python"\n')
    settings = load_settings({"HOME": str(home), "REPO_CWD": "shop"}, cwd)
    assert settings.home == user_file.parent / "state"
    assert settings.tests.python == home / "venv/bin/python"
    assert settings.repo_cwd == cwd / "shop"


def test_the_freedesktop_folders_are_used_where_they_are_absolute(cwd: Path, tmp_path: Path) -> None:
    (tmp_path / "anton").mkdir()
    (tmp_path / "anton" / "anton.toml").write_text("[run]\nrounds = 7\n")
    environ = {"HOME": "/h", "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": "relative"}
    settings = load_settings(environ, cwd)
    assert (settings.run.rounds, settings.home) == (7, Path("/h/.local/state/anton"))


# The repository under repair


@pytest.mark.parametrize("how", ["argument", "inner folder", "environment", "user file", "link", "nobody"])
def test_a_file_of_the_repository_under_repair_is_not_read(
    how: str, home: Path, user_file: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    inner = repository / "inner"
    inner.mkdir(parents=True)
    hostile = inner / "anton.toml"
    hostile.write_text('[model]\nbase_url = "https://evil.example"\n')
    cwd, environ, argument = inner, {"HOME": str(home)}, None
    if how == "environment":
        environ["REPO_CWD"] = "../"
    elif how == "user file":
        user_file.write_text(f'repo_cwd = "{repository}"\n')
    elif how in {"inner folder", "nobody"}:
        (repository / ".git").mkdir()
        (repository / "other").mkdir()
        argument = repository / "other" if how == "inner folder" else None
    else:
        argument = repository
    if how == "link":
        cwd = tmp_path
        (tmp_path / "anton.toml").symlink_to(hostile)
    settings = load_settings(environ, cwd, argument)
    assert settings.model.base_url == "https://api.openai.com/v1"
    assert settings.notices == (
        f"'{cwd}/anton.toml' was not read, because it lies in the repository under repair: "
        "name it with --config if it is yours",
    )
    assert load_settings(environ, cwd, argument, hostile).model.base_url == "https://evil.example"


def test_a_file_here_counts_while_another_repository_is_under_repair(cwd: Path, tmp_path: Path) -> None:
    (cwd / ".git").mkdir()
    (cwd / "anton.toml").write_text("[run]\nrounds = 3\n")
    (tmp_path / "repository").mkdir()
    assert load_settings({"HOME": "/h"}, cwd, tmp_path / "repository").run.rounds == 3


def test_the_repository_says_only_how_its_tests_are_run() -> None:
    found = repository_settings(
        'home = "/tmp"\n[model]\nbase_url = "https://evil.example"\n'
        '[tests]\ncommand = ["make", "test"]\nreport = "out.xml"\npython = "/tmp/evil"\n'
    )
    assert (found.tests.command, found.tests.report, found.tests.python) == (
        ("make", "test"),
        "out.xml",
        None,
    )
    assert found.given == ("command", "report")
    assert found.notices == (
        "the repository's anton.toml sets 'home', 'model', 'tests.python': ignored, "
        "only [tests] command, report, patterns, timeout_seconds are taken from a repository",
    )


def test_the_operators_word_on_tests_goes_before_the_repositorys(cwd: Path) -> None:
    found = repository_settings(
        '[tests]\ncommand = ["make"]\nreport = "out.xml"\npatterns = ["spec/**"]\ntimeout_seconds = 9\n'
    )
    nothing_said = load_settings({"HOME": "/h"}, cwd).with_repository(found)
    assert nothing_said.tests == found.tests
    assert nothing_said.origin("tests", "command") == "the repository's anton.toml"
    (cwd / "anton.toml").write_text('[tests]\nreport = "mine.xml"\ntimeout_seconds = 30\n')
    said = load_settings({"HOME": "/h"}, cwd).with_repository(found)
    assert (said.tests.command, said.tests.report, said.tests.timeout_seconds) == ((), "mine.xml", 30)
    assert said.tests.patterns == ("spec/**",)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("tests = 1", "tests must be a table, written [tests]"),
        ('[tests]\ncommand = ["x"]', "tests has a command and needs a report"),
        ('[tests]\nreport = "../x"', "tests.report is '../x': it must be a path inside the repository"),
        ("[tests\n", "not TOML: Expected ']' at the end of a table declaration (at line 1, column 7)"),
    ],
)
def test_a_mistake_of_the_repository_is_named_as_such(toml: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        repository_settings(toml)
    assert str(error.value).startswith(f"the repository's anton.toml: {words}")


# Mistakes


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (
            '[model]\nbase_ulr = "x"',
            "anton.toml: unknown key 'model.base_ulr': did you mean 'base_url'? "
            "Allowed here: api_key, base_url, context_tokens, fallback, idle_seconds, name, prices",
        ),
        (
            "[agents.tests]\nturns = 1",
            "anton.toml: unknown key 'agents.tests': did you mean 'test'? Allowed here: ",
        ),
        (
            "[agents.code]\nturn = 1",
            "anton.toml: unknown key 'agents.code.turn': did you mean 'turns'? Allowed",
        ),
        (
            '[web]\nallow = ["127.0.0.1"]',
            "anton.toml: web.allow.0 is '127.0.0.1': it must be the name of a host, as in 'docs.python.org'",
        ),
        ('[web]\nallow = "docs.python.org"', "anton.toml: web.allow is 'docs.python.org': it must be a list"),
        ('[web]\nallow = ["http://a.example"]', "anton.toml: web.allow.0 is 'http://a.example': it must be"),
        (
            "zzz = 1",
            "anton.toml: unknown key 'zzz': Allowed here: agents, approval, budget, database_url, github, ",
        ),
        ("[run]\nrounds = 0", "anton.toml: run.rounds is 0: it must be greater than or equal to 1"),
        ('[run]\nrounds = "two"', "anton.toml: run.rounds is 'two': it must be a valid integer"),
        ("[agents.pr]\nseconds = nan", "anton.toml: agents.pr.seconds is nan: it must be a finite number"),
        ("model = 5", "anton.toml: model is 5: it must be a table"),
        (
            '[tests]\ncommand = "make test"',
            "anton.toml: tests.command is 'make test': it must be a list of texts",
        ),
        ('[tests]\ncommand = ["make"]', "anton.toml: tests has a command and needs a report"),
        (
            '[sandbox]\nkind = "none"',
            "anton.toml: sandbox.kind is 'none': it must be 'auto', 'bubblewrap' or 'l",
        ),
        ('home = ""', "anton.toml: home is '': it must not be empty"),
        ('home = "a\\nb"', "must not hold control characters"),
        (
            '[model]\nbase_url = "localhost"',
            "anton.toml: model.base_url is 'localhost': it must begin with 'http://'",
        ),
        (
            '[model]\nbase_url = "http://[::1"',
            "anton.toml: model.base_url is 'http://[::1': it is no URL: Invalid IPv6 URL",
        ),
        ("[model.prices.mine]\ninput = 1", "anton.toml: model.prices.mine.cached is missing"),
        ("home = 5", "anton.toml: home is 5: it must be a path, written as text"),
        ("[agents.code]\nturns = true", "anton.toml: agents.code.turns is True: it must be a valid integer"),
        ("agents = 1", "anton.toml: agents is 1: it must be a table"),
        (
            "[model\n",
            "anton.toml: not TOML: Expected ']' at the end of a table declaration (at line 1, column 7)",
        ),
        ("a = " + "[" * 5000, "anton.toml: nested too deeply"),
    ],
)
def test_a_mistake_names_file_key_what_was_given_and_what_is_allowed(
    toml: str, words: str, cwd: Path
) -> None:
    assert words in refused(toml, cwd)


def test_without_a_home_a_state_folder_must_be_named(cwd: Path) -> None:
    with pytest.raises(UsageError, match=r"HOME is not set.*set ANTON_HOME"):
        load_settings({}, cwd)
    assert load_settings({"ANTON_HOME": "state"}, cwd).home == cwd / "state"


def test_a_mistake_in_the_environment_names_the_variable(cwd: Path) -> None:
    assert refused("", cwd, {"BASE_URL": "api.example/v1"}).startswith(
        "environment BASE_URL: model.base_url is 'api.example/v1': it must begin with 'http://' or 'https://'"
    )


def test_every_mistake_is_named_and_very_many_are_counted(cwd: Path) -> None:
    words = refused("\n".join(f"unknown{n} = 1" for n in range(9)), cwd)
    assert words.count("unknown key") == 5
    assert words.endswith("\nand 4 more")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", "sk-secret with space"),
        ("API_KEY", "sk-secret\x07"),
        ("BASE_URL", "https://me:sk-secret@api.example/v1"),
        ("BASE_URL", "me:sk-secret@api.example"),
        ("DATABASE_URL", "postgresql://me:sk-secret@host\n/db"),
    ],
)
def test_no_error_tells_a_secret(name: str, value: str, cwd: Path) -> None:
    words = refused("", cwd, {name: value})
    assert words.startswith(f"environment {name}: ")
    assert "sk-secret" not in words


def test_no_error_tells_a_secret_of_a_file(cwd: Path) -> None:
    words = refused('[model]\napi_key = ["sk-secret"]\n[tests.env]\nTOKEN = ["sk-secret"]\n', cwd)
    assert ("sk-secret" in words, "model.api_key" in words, "tests.env.TOKEN" in words) == (False, True, True)


def test_no_text_of_the_settings_tells_a_secret(cwd: Path) -> None:
    environ = {"HOME": "/h", "API_KEY": "sk-secret", "DATABASE_URL": "postgresql://me:sk-secret@host/db"}
    settings = load_settings(environ, cwd)
    assert "sk-secret" not in f"{settings!r} {settings} {settings.model!r} {settings.model_dump_json()}"


def test_settings_cannot_be_changed(cwd: Path) -> None:
    settings = load_settings({"HOME": "/h"}, cwd)
    with pytest.raises(ValueError, match="frozen"):
        settings.run.rounds = 9  # type: ignore[misc]


def test_a_file_that_cannot_be_read_is_named(cwd: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.toml' cannot be read as settings: .*No such file"):
        load_settings({}, cwd, config=tmp_path / "missing.toml")
    (cwd / "anton.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"not UTF-8 text \(byte 0\)"):
        load_settings({}, cwd)
    (cwd / "anton.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(UsageError, match="larger than 1,000,000 bytes"):
        load_settings({}, cwd)
    (cwd / "anton.toml").unlink()
    (cwd / "anton.toml").symlink_to("anton.toml")
    with pytest.raises(UsageError, match=r"anton\.toml' may lie in"):
        load_settings({}, cwd, cwd)


# Models


def test_a_fallback_is_a_name_or_another_endpoint_with_its_key(cwd: Path) -> None:
    (cwd / "anton.toml").write_text(
        '[model]\nfallback = ["small", {name = "big", base_url = "http://b/v1/", api_key_env = "OTHER"}]'
    )
    small, big = load_settings({"HOME": "/h", "OTHER": "sk-2"}, cwd).model.fallback
    assert (small.name, small.base_url, small.api_key) == ("small", None, None)
    assert (big.name, big.base_url) == ("big", "http://b/v1")
    assert big.api_key is not None
    assert big.api_key.get_secret_value() == "sk-2"
    assert load_settings({"HOME": "/h"}, cwd).model.fallback[1].api_key is None


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('fallback = "small"', "model.fallback is 'small': it must be a list"),
        ("fallback = [5]", "model.fallback.0"),
        ('fallback = [""]', "model.fallback.0.name is '': it must not be empty"),
        ('fallback = [{base_url = "http://b"}]', "model.fallback.0.name is missing"),
        ('fallback = ["a", {name = "b", url = "c"}]', "unknown key 'model.fallback.1.url': "),
        (
            'fallback = [{name = "b", api_key_env = "K"}]',
            "model.fallback.0 has a key of its own and needs the base",
        ),
        (
            'fallback = [{name = "b", api_key = "k"}]',
            "model.fallback.0 has a key of its own and needs the base",
        ),
        (
            'reasoning_effort = "enormous"',
            "model.reasoning_effort is 'enormous': it must be 'low', 'medium' or ",
        ),
    ],
)
def test_a_mistake_about_models_is_named(toml: str, words: str, cwd: Path) -> None:
    assert words in refused(f"[model]\n{toml}", cwd)


def test_the_key_of_a_fallback_is_a_secret(cwd: Path) -> None:
    toml = '[model]\nfallback = [{name = "b", base_url = "http://b", api_key_env = "OTHER"}]'
    assert "sk-secret" not in refused(toml, cwd, {"OTHER": "sk-secret with space"})
    assert "sk-secret" not in refused(toml.replace("_env", "").replace("OTHER", "sk-secret x"), cwd)
    (cwd / "anton.toml").write_text(toml)
    settings = load_settings({"HOME": "/h", "OTHER": "sk-secret"}, cwd)
    assert "sk-secret" not in f"{settings!r} {settings.model_dump_json()}"


# Hooks


def test_a_hooks_program_is_found_from_the_file_that_names_it_or_on_the_path(
    home: Path, cwd: Path, user_file: Path
) -> None:
    hook = '[[hooks]]\nmoment = "on_error"\ncommand = '
    user_file.write_text("".join(f'{hook}["{word}", "./x"]\n' for word in ("./a", "~/b", "notify", "/c")))
    hooks = load_settings({"HOME": str(home)}, cwd).hooks
    assert [hook.command for hook in hooks] == [
        (f"{user_file.parent}/a", "./x"),
        (f"{home}/b", "./x"),
        ("notify", "./x"),
        ("/c", "./x"),
    ]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('moment = "later"\ncommand = ["a"]', "hooks.0.moment is 'later': it must be 'before_agent', "),
        ('moment = "on_error"', "hooks.0.command is missing"),
        ('moment = "on_error"\ncommand = []', "hooks.0.command is a list: it "),
        ('moment = "on_error"\ncommand = "a"', "hooks.0.command is 'a': it must be a list of texts"),
        (
            'moment = "on_error"\ncommand = ["a"]\nagents = ["coed"]',
            "hooks.0.agents.0 is 'coed': it must be ",
        ),
        ('moment = "on_error"\ncommand = ["a"]\ntools = ["b"]', "hooks.0 names tools, and on_error is no"),
        (
            'moment = "on_error"\ncommand = ["a"]\ntool = ["b"]',
            "did you mean 'tools'? Allowed here: agents, ",
        ),
    ],
)
def test_a_mistake_in_a_hook_is_named(toml: str, words: str, cwd: Path) -> None:
    assert words in refused(f"[[hooks]]\n{toml}", cwd)


def test_what_a_hook_is_given_is_no_secret_told(cwd: Path) -> None:
    toml = '[[hooks]]\nmoment = "on_error"\ncommand = ["a"]\nenv = { KEY = "sk-secret" }\n'
    words = refused(toml.replace('"sk-secret"', '["sk-secret"]'), cwd)
    assert ("sk-secret" in words, "hooks.0.env.KEY" in words) == (False, True)
    (cwd / "anton.toml").write_text(toml)
    assert "sk-secret" not in repr(load_settings({"HOME": "/h"}, cwd))


def test_hooks_of_the_repository_under_repair_are_nobodys(cwd: Path) -> None:
    found = repository_settings('[[hooks]]\nmoment = "on_error"\ncommand = ["./evil"]\n')
    assert found.given == ()
    assert "'hooks'" in found.notices[0]
    assert load_settings({"HOME": "/h"}, cwd).with_repository(found).hooks == ()


def test_hooks_are_given_three_variables_and_no_relative_folder_to_look_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "PATH": ".:/bin::bin:/opt",
        "HOME": "/h",
        "LANG": "C",
        "API_KEY": "sk-secret",
    }.items():
        monkeypatch.setenv(name, value)
    assert hook_environment_of_process() == {"PATH": "/bin:/opt", "HOME": "/h", "LANG": "C"}


keys = st.sampled_from(
    [
        "model",
        "agents",
        "tests",
        "run",
        "sandbox",
        "hooks",
        "fallback",
        "home",
        "repo_cwd",
        "env",
        "prices",
        "code",
        "command",
        "report",
        "turns",
        "a",
    ]
)
scalars = st.text() | st.integers() | st.floats() | st.booleans() | st.datetimes().map(str)
tables = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | st.text(), inner, max_size=4)
)
lines = st.lists(
    st.tuples(
        st.lists(keys, min_size=1, max_size=4).map(".".join),
        st.sampled_from(["1", '"x"', "[]", "{}", "0x" + "f" * 5000, "9" * 5000, "1979-05-27", "nan"]),
    )
).map(lambda pairs: "\n".join(f"{key} = {value}" for key, value in pairs))


@given(st.text() | lines)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_settings_or_a_usage_error(cwd: Path, toml: str) -> None:
    (cwd / "anton.toml").write_text(toml, encoding="utf-8", errors="replace")
    with suppress(UsageError):
        assert isinstance(load_settings({"HOME": "/h"}, cwd), Settings)
    with suppress(UsageError):
        repository_settings(toml)


@given(st.dictionaries(keys, tables))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_values_are_settings_or_a_usage_error(cwd: Path, overrides: Mapping[str, object]) -> None:
    with suppress(UsageError):
        assert isinstance(load_settings({"HOME": "/h"}, cwd, overrides=overrides), Settings)


def test_the_example_is_valid_and_shows_every_key_with_its_default(cwd: Path) -> None:
    example = load_settings({"HOME": "/h"}, cwd, config=EXAMPLE)
    default = load_settings({"HOME": "/h"}, cwd)
    left_out = {"code": {"model", "reasoning_effort", "tools"}, "chat": {"without"}}
    assert example.agents.model_dump(exclude=left_out) == default.agents.model_dump(exclude=left_out)
    for table, key in [
        ("model", "base_url"),
        ("model", "idle_seconds"),
        ("tests", "timeout_seconds"),
        ("run", "rounds"),
        ("proof", "mutation_seconds"),
        ("proof", "culprit_seconds"),
        ("sandbox", "kind"),
    ]:
        assert getattr(getattr(example, table), key) == getattr(getattr(default, table), key)
    assert example.home == default.home
    text = EXAMPLE.read_text()
    for name, field in Settings.model_fields.items():
        assert name in text
        for key in getattr(field.annotation, "model_fields", {}):
            assert key in text
