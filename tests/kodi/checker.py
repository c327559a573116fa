"""kodi-addon-checker without the network: it fetches Kodi's own repositories, ten of them, first.

python -m tests.kodi.checker --branch nexus FOLDER...
"""

from typing import Any

from kodi_addon_checker import __main__, check_addon, check_url


class Nothing:
    """A repository that holds nothing."""

    def __init__(self, *_: Any) -> None:
        self.addons: list[Any] = []

    def __contains__(self, _: str) -> bool:
        return False

    def find(self, _: str) -> None:
        """No add-on of this name."""

    def rdepends(self, _: str) -> list[Any]:
        """Nobody needs it."""
        return []


if __name__ == "__main__":
    check_addon.Repository = Nothing
    check_url.check_url = lambda *_: None
    __main__.main()
