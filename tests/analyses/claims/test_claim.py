"""Verdicts that follow from findings."""

import pytest

from analyses.claims.claim import Evidence, Finding, verdict
from analyses.fourier.schema import ANALYSIS as FOURIER
from analyses.grokking.schema import CURVES, OUTCOMES


def finding(n_held, n_cases, decides=True):
    return Finding(
        name="x", expected="y", value="z", n=n_cases, n_held=n_held, n_cases=n_cases, decides=decides
    )


@pytest.mark.parametrize(
    ("findings", "complete", "expected"),
    [
        ([finding(3, 3), finding(1, 1)], True, "reproduced"),
        ([finding(3, 3), finding(0, 3, decides=False)], True, "reproduced"),
        ([finding(3, 3), finding(2, 3)], True, "partly"),
        ([finding(3, 3), finding(0, 0)], True, "partly"),
        ([finding(3, 3)], False, "partly"),
        ([finding(0, 3), finding(0, 0)], False, "not reproduced"),
        ([finding(0, 0), finding(3, 3, decides=False)], True, "not measured"),
        ([], True, "not measured"),
    ],
)
def test_verdict_of_findings(findings, complete, expected):
    assert verdict(findings, complete) == expected


def test_a_finding_as_context_differs_in_that_alone():
    deciding = finding(2, 3)
    context = deciding.as_context()
    assert deciding.decides and not context.decides and context == finding(2, 3, decides=False)


def test_evidence_names_each_analysis_once():
    evidence = Evidence("modadd_ticket", (OUTCOMES, FOURIER, CURVES), lambda *_: [])
    assert evidence.analyses == ["grokking", "fourier"]
