"""What went wrong, in the sentences that the viewer is shown."""

from __future__ import annotations


class AddonError(Exception):
    """``sentence`` says what happened, ``hint`` what may help.

    ``passing``: the same question may be answered a moment later. ``unknown``: the server knows no
    such thing, or not this Kodi (any more).
    """

    def __init__(
        self, sentence: str, hint: str = "", *, passing: bool = False, unknown: bool = False
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.passing = passing
        self.unknown = unknown

    @property
    def text(self) -> str:
        """Both, for a dialog."""
        return f"{self.sentence}\n{self.hint}" if self.hint else self.sentence
