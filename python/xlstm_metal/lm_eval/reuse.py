"""How much a shared prefix saves."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Reuse"]


@dataclass
class Reuse:
    """Tokens that requests asked to be read, and those that were read: the rest was in a state already."""

    asked: int = 0
    read: int = 0

    def __str__(self) -> str:
        share = self.read / self.asked if self.asked else 1.0
        return f"{self.read:,} of {self.asked:,} tokens read ({share:.1%}); the rest was in a state already"
