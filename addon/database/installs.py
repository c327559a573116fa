"""The installs that were given out, and which of them were taken back."""

from sqlalchemy import Engine, insert, select, update

from addon.database.tables import installs
from addon.database.transactions import reading, writing


class KeptInstalls:
    """Install ids: ``addon.access.installs.RevokedStore``. One that is not kept is valid."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, install_id: str) -> None:
        """Notes an install; one that is noted, revoked or not, stays as it is."""
        with writing(self._engine) as connection:
            if connection.scalar(select(installs.c.id).where(installs.c.id == install_id)) is None:
                connection.execute(insert(installs).values(id=install_id, revoked=False))

    def is_revoked(self, install_id: str) -> bool:
        query = select(installs.c.revoked).where(installs.c.id == install_id)
        with reading(self._engine) as connection:
            return bool(connection.scalar(query))

    def revoke(self, install_id: str) -> None:
        """For good, also when the install was never noted."""
        revoked = update(installs).where(installs.c.id == install_id).values(revoked=True)
        with writing(self._engine) as connection:
            if not connection.execute(revoked).rowcount:
                connection.execute(insert(installs).values(id=install_id, revoked=True))
