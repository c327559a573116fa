"""What the database does for access, in memory."""


class Store:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def put(self, name: str, value: str, instead_of: str | None = None) -> str:
        if self.values.get(name, instead_of) == instead_of:
            self.values[name] = value
        return self.values[name]


class Revoked(set[str]):
    def is_revoked(self, install_id: str) -> bool:
        return install_id in self
