"""Arms of a table by their role."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def arms_with_role(table: pd.DataFrame, *roles: str) -> list[str]:
    """Return the arms of some roles, in the order of the table."""
    return list(dict.fromkeys(table.loc[table["arm_role"].isin(roles), "arm"]))


def compared_arms(table: pd.DataFrame) -> list[str]:
    """Return the first dense arm and ticket, or else the first two arms."""
    pair = [*arms_with_role(table, "dense")[:1], *arms_with_role(table, "ticket")[:1]]
    return pair if len(pair) == 2 else list(dict.fromkeys(table["arm"]))[:2]


def arms_and_control(table: pd.DataFrame) -> list[str]:
    """Return the compared arms, and the last control if there is one."""
    return list(dict.fromkeys([*compared_arms(table), *arms_with_role(table, "control")[-1:]]))


def main_arm(table: pd.DataFrame) -> str:
    """Return the first ticket, or else dense arm, or else any arm."""
    arms = [*arms_with_role(table, "ticket")[:1], *arms_with_role(table, "dense")[:1], *table["arm"][:1]]
    return str(arms[0])
