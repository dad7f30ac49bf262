"""Codes and platforms that trained the networks of a table."""

from __future__ import annotations

from collections.abc import Sequence

from analyses.tables.labels import arm_label
from training.cli.printed_table import PrintedTable
from training.inspection.outcomes import code_text, mixture_text, platform_text
from training.inspection.trained_network import Network


def trained_by(networks: Sequence[Network]) -> tuple[str, list[PrintedTable]]:
    """Return the numbers of codes and platforms in a sentence, and a printed table of them.

    Both are empty if every arm was trained by one code, and all networks on one platform.
    """
    rows: list[dict[str, str]] = []
    seeds: dict[tuple[str, ...], list[str]] = {}
    for network in networks:
        if (done := network.files.done()) is None:  # adopted
            continue
        row = {"arm": network.arm, "code": code_text(done), "platform": platform_text(done)}
        rows.append(row)
        seeds.setdefault(tuple(row.values()), []).append(str(network.seed))
    sentence = mixture_text(rows)
    if not sentence:
        return "", []
    printed = [
        {"arm": arm_label(arm), "code": code, "seeds": ", ".join(of_code), "platform": platform}
        for (arm, code, platform), of_code in seeds.items()
    ]
    return sentence, [PrintedTable("Networks by the code and platform that trained them.", printed, sentence)]
