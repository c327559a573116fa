"""PostgreSQL: found, refused, shared, restarted; and it never holds up the hub."""

from collections.abc import Callable, Iterator

import gevent
import pytest
from sqlalchemy import Engine, inspect, text

from addon.database.health import KeptHealth
from addon.database.keys import KeptKeys
from addon.database.library import KeptLibrary
from addon.database.postgres import open_postgres
from addon.database.tables import VERSION, metadata
from addon.database.torrents import KeptTorrents
from addon.database.transactions import writing
from addon.errors import Problem, SettingsError, outcome
from addon.library.titles import Link, Title
from addon.torrents.magnet import InfoHash, Magnet
from tests.rig.postgres import PASSWORD, Postgres

KEY = "a" * 40
READ_ONLY = "%20-cdefault_transaction_read_only%3Don"


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.schema()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_postgres(url)
    yield engine
    engine.dispose()


def schema_of(url: str) -> str:
    return url.rpartition("%3D")[2]


def test_what_was_kept_is_there_after_a_restart(url: str) -> None:
    for expected in (None, "secret"):
        engine = open_postgres(url)
        assert KeptKeys(engine).get("signing-key") == expected
        KeptKeys(engine).put("signing-key", "secret")
        engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_schemes_are_understood(url: str, scheme: str) -> None:
    open_postgres(scheme + url.removeprefix("postgres")).dispose()


def test_the_password_is_shown_nowhere(engine: Engine) -> None:
    assert PASSWORD not in repr(engine) + str(engine.url)


def refusal(url: str) -> str:
    with pytest.raises(SettingsError) as caught:
        open_postgres(url)
    (sentence,) = caught.value.problems
    assert sentence.startswith("DATABASE_URL: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    shown: BaseException | None = caught.value
    while shown is not None:
        assert "staple" not in str(shown)
        assert shown.__suppress_context__ or shown.__context__ is None
        shown = shown.__cause__
    return sentence


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda postgres: postgres.url(password="wrong staple"), "password authentication failed"),
        (lambda postgres: postgres.url(name="nowhere"), 'database "nowhere" does not exist'),
        (lambda postgres: postgres.url("?sslmode=require"), "does not support SSL"),
        (lambda postgres: postgres.url("?sslmode=perhaps"), "sslmode"),
        (lambda _: "postgres://me:staple@127.0.0.1:1/films", "Connection refused"),
        (lambda _: "postgres://me:staple@[::1/films", "no URL"),
    ],
)
def test_why_it_cannot_be_opened(
    postgres: Postgres, change: Callable[[Postgres], str], cause: str
) -> None:
    assert cause in refusal(change(postgres))


def test_a_newer_database_is_refused_and_left_alone(postgres: Postgres, url: str) -> None:
    open_postgres(url).dispose()
    table = f"{schema_of(url)}.self_streme"
    postgres.run(f"UPDATE {table} SET version = {VERSION + 1}")
    assert "newer version" in refusal(url)
    assert postgres.run(f"SELECT version FROM {table}") == [(VERSION + 1,)]


def test_another_programs_database_is_refused_and_left_alone(postgres: Postgres, url: str) -> None:
    schema = schema_of(url)
    postgres.run(f"CREATE TABLE {schema}.recipes (name text)")
    assert "another program" in refusal(url)
    tables = f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'"
    assert postgres.run(tables) == [("recipes",)]


def test_tables_of_version_1_are_brought_up_in_place(postgres: Postgres, url: str) -> None:
    engine = open_postgres(url)
    KeptKeys(engine).put("signing-key", "secret")
    engine.dispose()
    schema = schema_of(url)
    for table in ("sources", "source_changes", "health"):
        postgres.run(f"DROP TABLE {schema}.{table}")
    postgres.run(f"UPDATE {schema}.self_streme SET version = 1")
    for _ in range(2):
        engine = open_postgres(url)
        assert KeptKeys(engine).get("signing-key") == "secret"
        KeptHealth(engine).save({"Mine": "{}"})
        engine.dispose()
        assert postgres.run(f"SELECT version FROM {schema}.self_streme") == [(VERSION,)]


def test_tables_are_made_all_or_none(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(connection: object) -> None:
        connection.exec_driver_sql("CREATE TABLE keys (name text)")  # type: ignore[attr-defined]
        connection.exec_driver_sql("CREATE TABLE keys (name text)")  # type: ignore[attr-defined]

    with monkeypatch.context() as patch:
        patch.setattr(metadata, "create_all", half)
        assert "already exists" in refusal(url)
    open_postgres(url).dispose()


def test_several_instances_may_start_at_once(postgres: Postgres, url: str) -> None:
    starting = [gevent.spawn(open_postgres, url) for _ in range(4)]
    gevent.joinall(starting, raise_error=True)
    engines: list[Engine] = [greenlet.value for greenlet in starting]
    made = [gevent.spawn(KeptKeys(e).put, "signing-key", str(n)) for n, e in enumerate(engines)]
    gevent.joinall(made, raise_error=True)
    assert len({greenlet.value for greenlet in made}) == 1
    assert {KeptKeys(e).get("signing-key") for e in engines} == {made[0].value}
    for e in engines:
        e.dispose()
    assert len(postgres.run(f"SELECT * FROM {schema_of(url)}.self_streme")) == 1


def test_a_magnet_that_many_add_at_once_is_one_and_loses_nothing(engine: Engine, url: str) -> None:
    other = open_postgres(url)
    trackers = [f"udp://tracker-{number}.example:1/announce" for number in range(10)]
    film = Title("tt1", "movie", "Film")

    def add(number: int) -> None:
        mine = (engine, other)[number % 2]
        magnet = Magnet(InfoHash(v1=KEY), trackers=(trackers[number],))
        KeptTorrents(mine).keep(magnet, None)
        KeptLibrary(mine).put(film, Link("tt1", KEY))
        KeptLibrary(mine).give_sample(KEY)

    gevent.joinall([gevent.spawn(add, number) for number in range(10)], raise_error=True)
    other.dispose()
    kept = KeptTorrents(engine)
    assert kept.newest() == [KEY]
    magnet = kept.magnet(KEY)
    assert magnet is not None
    assert sorted(magnet.trackers) == sorted(trackers)
    assert KeptLibrary(engine).links_of_title("tt1") == [Link("tt1", KEY)]


def ask(engine: Engine, sql: str = "SELECT 1") -> object:
    with engine.connect() as connection:
        return connection.scalar(text(sql))


def test_a_slow_query_does_not_stop_the_hub(engine: Engine) -> None:
    order = []
    slow = gevent.spawn(ask, engine, "SELECT pg_sleep(1)")
    slow.link(lambda _: order.append("slow"))
    for _ in range(3):
        gevent.sleep(0.01)
        assert ask(engine) == 1
        order.append("quick")
    slow.get()
    gevent.sleep(0)
    assert order == ["quick"] * 3 + ["slow"]


def test_more_queries_than_connections_wait_for_their_turn(engine: Engine) -> None:
    many = [gevent.spawn(ask, engine, "SELECT count(*) FROM pg_sleep(0.02)") for _ in range(12)]
    gevent.joinall(many, raise_error=True)
    assert [greenlet.value for greenlet in many] == [1] * 12


def test_a_database_that_is_slow_for_everybody_is_said(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.pool, "_timeout", 0.05)
    held = [engine.connect() for _ in range(5)]
    for use in (
        lambda: KeptKeys(engine).get("x"),
        lambda: KeptKeys(engine).put("x", "y"),
    ):
        with pytest.raises(Problem, match="Too many requests") as caught:
            use()
        assert caught.value.code == "busy"
    for connection in held:
        connection.close()
    assert KeptKeys(engine).get("x") is None


def test_a_request_that_is_cut_off_in_a_query_leaves_no_trace(engine: Engine) -> None:
    kept = KeptTorrents(engine)
    for _ in range(6):
        cut = gevent.spawn(ask, engine, "SELECT pg_sleep(9)")
        gevent.sleep(0.05)
        cut.kill()
    kept.keep(Magnet(InfoHash(v1=KEY)), None)
    assert kept.newest() == [KEY]


def test_a_restart_of_the_database_is_lived_through() -> None:
    with Postgres() as own:
        engine = open_postgres(own.url())
        kept = KeptKeys(engine)
        kept.put("before", "kept")
        own.stop()
        own.start()
        assert kept.put("between", "kept") == "kept", "nobody has noticed"

        running = gevent.spawn(outcome, ask, engine, "SELECT pg_sleep(9)")
        gevent.sleep(0.1)
        own.stop()
        told = [running.get(), outcome(kept.get, "before"), outcome(kept.put, "during", "lost")]
        for problem in told:
            assert isinstance(problem, Problem)
            assert (problem.code, problem.retry_after) == ("busy", 5)
            assert "DATABASE_URL" in problem.hint

        own.start()
        # Every connection from before is dead; none of them is handed out.
        many = [gevent.spawn(kept.get, "before") for _ in range(6)]
        gevent.joinall(many, raise_error=True)
        assert [greenlet.value for greenlet in many] == ["kept"] * 6
        kept.put("after", "kept")
        assert kept.get("during") is None
        engine.dispose()


def test_a_database_that_refuses_to_write_is_said(engine: Engine, url: str) -> None:
    copy = open_postgres(url + READ_ONLY)
    assert KeptKeys(copy).get("name") is None
    with pytest.raises(Problem) as caught:
        KeptKeys(copy).put("name", "value")
    assert caught.value.code == "busy"
    copy.dispose()


def test_no_wait_is_without_end(engine: Engine) -> None:
    limits = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    assert [ask(engine, f"SHOW {name}") for name in limits] == ["5s", "10s", "20s"]


def test_a_writer_that_hangs_stops_no_reader(engine: Engine, url: str) -> None:
    other = open_postgres(url)
    KeptKeys(engine).put("name", "value")

    def hang() -> None:
        with writing(other):
            gevent.sleep(30)

    hanging = gevent.spawn(hang)
    gevent.sleep(0.1)
    assert KeptKeys(engine).get("name") == "value"
    waiting = gevent.spawn(KeptKeys(engine).put, "other", "value")
    gevent.sleep(0.1)
    assert not waiting.ready()
    hanging.kill()
    assert waiting.get(timeout=4) == "value"
    other.dispose()


def test_the_tables_are_those_of_sqlite_and_one_for_the_version(engine: Engine) -> None:
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "self_streme"}
