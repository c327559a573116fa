from pathlib import Path

from addon.database.keys import KeptKeys
from addon.database.opening import open_database
from tests.rig.postgres import Postgres


def test_a_file_unless_a_database_is_named(tmp_path: Path, postgres: Postgres) -> None:
    for url in (None, postgres.schema()):
        engine = open_database(url, tmp_path)
        assert KeptKeys(engine).get("name") is None
        KeptKeys(engine).put("name", str(url))
        engine.dispose()
    assert (tmp_path / "self-streme.sqlite").exists()
