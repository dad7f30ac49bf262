"""The report of no run, of planted runs, of damaged and stale ones."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from builders import error_line, filled_table, outcome_row

from analyses.claims.claim import Evidence
from analyses.claims.registry import CLAIMS
from analyses.grokking.schema import ANALYSIS as OUTCOMES_ANALYSIS
from analyses.grokking.schema import CURVES, OUTCOMES
from analyses.loading.chosen_networks import open_networks
from analyses.report.command import main
from analyses.report.document import BEGIN, END, printed_verdicts, readme_table
from analyses.report.evidence import NETWORK_COLUMNS, judge_claim
from analyses.report.rendering import Commands, Heading, Paragraph, TextTable, html_page, markdown
from analyses.speed.schema import PAIRS, RATIOS
from analyses.tables.inputs import RunInputs
from analyses.tables.origin import METADATA_KEY
from analyses.tables.storage import save_table
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.config.recipe_files import read_recipe
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "analyses" / "reproduction"


def networks(**changes):
    """Return the outcomes of a dense network that groks late, three seeds."""
    rows = [
        outcome_row("dense", seed, 90, 20_000, sparsity=0.0)
        | {"t_mem_interval": "(80, 90]", "t_gen_interval": "(19990, 20000]"}
        for seed in range(3)
    ]
    return filled_table(OUTCOMES, rows).assign(**changes)


def inputs_of(run):
    """Return what a full table of a run is made of."""
    opened = open_networks(run)
    return RunInputs(opened.run).read(OUTCOMES_ANALYSIS.reads, opened.finished, opened.reasons())


def write_outcomes(run, table=None, **origin):
    """Save outcomes, and return their path."""
    path = run.analysis("grokking", ".parquet")
    inputs = {} if "arguments" in origin else {"inputs": inputs_of(run)}
    save_table(path, OUTCOMES, networks() if table is None else table, **inputs, **origin)
    return path


def finish(run, seeds, *arms):
    """Write the records of finished networks, all arms by default."""
    recipe = recipe_from_dict(run.config())
    for arm in arms or recipe.arms:
        for seed in seeds:
            files = run.arm(arm, seed)
            if files.done() is None:
                files.path.mkdir(parents=True)
                files.finish(arm_record(recipe, arm, seed) | {"steps": 100, "source": None})


def write_run(runs, name="modadd_ticket", recipe="modadd_ticket", trained=(0, 1, 2), **changes):
    """Make a run of a recipe without weights, with the one table that M1 needs."""
    run = RunDir(runs / name)
    run.write_recipe("", to_dict(read_recipe(recipe)[0]) | changes)
    run.add_provenance({"seconds": 700.0, "workers": 2, "device": "cpu", "versions": {"torch": "2"}})
    finish(run, trained)
    write_outcomes(run)
    return run


def table_of(out):
    return pd.read_csv(out / "REPRODUCTION.csv", keep_default_na=False).set_index("id")


def test_without_runs_nothing_is_measured_and_commands_say_what_to_run(tmp_path, capsys):
    assert main(["--runs", str(tmp_path)]) == 0
    assert set(table_of(tmp_path)["verdict"]) == {"not measured"}
    text = (tmp_path / "REPRODUCTION.md").read_text()
    assert "24 claims: 0 reproduced, 0 partly, 0 not reproduced, 24 not measured" in text
    for claim in CLAIMS.values():
        section = text.partition(f"### {claim.id}: ")[2].partition("###")[0]
        for evidence in claim.evidence:
            assert f"python -m training {evidence.recipe} --out {tmp_path}" in section
            for analysis in evidence.analyses:
                assert f"python -m analyses.{analysis} --run {tmp_path / evidence.recipe}" in section
    out = capsys.readouterr().out.splitlines()
    assert "recipes to run" in out[1] and sum("  not measured  " in line for line in out) == 24
    (line,) = (line for line in out if line.startswith("M3 "))
    assert line.endswith("  modadd_ticket, m_prune_rates")


def test_a_run_is_evidence_for_its_claims_only(tmp_path):
    write_run(tmp_path)
    assert main(["--runs", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    table = table_of(tmp_path / "out")
    assert table["verdict"].to_dict() == dict.fromkeys(CLAIMS, "not measured") | {"M1": "reproduced"}
    assert table.loc["M1", "here"] == "dense t_mem: 90; dense median t_gen: 20,000; dense τ: 222"
    text = (tmp_path / "out" / "REPRODUCTION.md").read_text()
    assert f"python -m training modadd_ticket --out {tmp_path}  # 11.7 min" in text
    assert "| dense median t_gen | 12,000 to 30,000 | 20,000 | 20,000 in every seed | 3 | yes |" in text
    assert "modadd_ticket has no table of speed" in text and "m_norms has not been trained" in text
    times = pd.read_csv(tmp_path / "out" / "networks.csv")
    assert times[["run", "arm", "seed", "t_gen_interval"]].to_numpy().tolist() == [
        ["modadd_ticket", "dense", seed, "(19990, 20000]"] for seed in range(3)
    ]
    assert "| modadd_ticket | 12 | 0 | 11.7 min | 2 | cpu | 2 | - |" in text


def test_failures_come_first(tmp_path):
    run = write_run(tmp_path)
    write_outcomes(run, networks(t_gen=[20_000, 29_000, 50_000], tau=[222.0, 50, 60]))
    assert main(["--runs", str(tmp_path)]) == 0
    text = (tmp_path / "REPRODUCTION.md").read_text()
    failures = text.partition("## Claims that fail")[2].partition("## Every claim")[0]
    assert (
        "| M1 | the dense network groks late | hard | partly | dense τ: 60 (1 of 3); expected: at least 100 |"
        in (failures)
    )


def test_a_run_with_other_settings_is_not_judged(tmp_path):
    write_run(tmp_path, optimizer={"name": "adamw", "lr": 0.5})
    assert main(["--runs", str(tmp_path)]) == 0
    assert table_of(tmp_path).loc["M1", "verdict"] == "not measured"
    assert "optimizer.lr: 0.5 → 0.001" in (tmp_path / "REPRODUCTION.md").read_text()


def test_more_seeds_and_arms_are_the_same_experiment(tmp_path):
    recipe = to_dict(read_recipe("modadd_ticket")[0])
    more = recipe["arms"] | {"more": recipe["arms"]["random"]}
    write_run(tmp_path, seeds=[7, 8, 9], trained=(7, 8, 9), arms=more)
    assert main(["--runs", str(tmp_path)]) == 0
    assert table_of(tmp_path).loc["M1", "verdict"] == "reproduced"


def test_wrong_usage_and_damage_are_one_line(tmp_path, capsys):
    assert main(["--runs", str(tmp_path / "none")]) == 2
    assert "none, which does not exist" in error_line(capsys.readouterr().err)
    path = write_outcomes(write_run(tmp_path))
    path.write_bytes(path.read_bytes()[:-10])
    assert main(["--runs", str(tmp_path)]) == 1
    assert "grokking.parquet: damaged" in error_line(capsys.readouterr().err)
    assert not (tmp_path / "REPRODUCTION.md").exists()


def test_a_stale_table_is_one_line_with_the_command_that_remakes_the_table(tmp_path, capsys):
    run = write_run(tmp_path)
    path = run.analysis("grokking", ".parquet")
    again = f"'python -m analyses.grokking --run {run.path}' makes it again"
    networks().to_parquet(path)  # as written before tables had schemas
    assert main(["--runs", str(tmp_path)]) == 1
    assert error_line(capsys.readouterr().err) == (
        f"error: {path}: expected the schema grokking, version {OUTCOMES.version}, got none; {again}"
    )
    table = pq.read_table(write_outcomes(run))
    origin = json.loads(table.schema.metadata[METADATA_KEY]) | {"code": "0"}
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(origin).encode()}), path)
    assert main(["--runs", str(tmp_path)]) == 1
    assert (
        error_line(capsys.readouterr().err)
        == f"error: {path}: made by other code than the installed one; {again}"
    )
    assert not (tmp_path / "REPRODUCTION.md").exists()


def test_every_stale_table_has_a_line(tmp_path, capsys):
    run = write_run(tmp_path)
    for table in (OUTCOMES, RATIOS, PAIRS):
        networks().to_parquet(run.analysis(table.name, ".parquet"))
    assert main(["--runs", str(tmp_path)]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3 and all("makes it again" in line for line in lines)


def test_a_summary_is_refused_with_its_table(tmp_path):
    run = write_run(tmp_path, "m_timing", "m_timing")
    run.analysis("speed", ".json").write_text(json.dumps({"correlations": []}))
    networks().to_parquet(run.analysis("speed", ".parquet"))
    with pytest.raises(RunError, match=r"speed\.parquet: expected the schema speed"):
        judge_claim(CLAIMS["M5"], tmp_path)
    save_table(run.analysis("speed", ".parquet"), RATIOS, filled_table(RATIOS, []), inputs=inputs_of(run))
    judged = judge_claim(CLAIMS["M5"], tmp_path)
    assert judged.missing_evidence == [] and judged.verdict == "not measured"


def test_a_table_made_for_some_arms_is_not_judged(tmp_path):
    run = write_run(tmp_path)
    path = write_outcomes(run, arguments={"arms": ["dense"]})
    judged = judge_claim(CLAIMS["M1"], tmp_path)
    (missing,) = judged.missing_evidence
    assert missing.reason == f"{path} was made with --arms dense"
    assert missing.commands == (f"python -m analyses.grokking --run {run.path}",)
    assert judged.verdict == "not measured" and judged.findings == []


def test_a_table_made_before_a_seed_was_added_is_not_judged(tmp_path):
    run = write_run(tmp_path)
    assert judge_claim(CLAIMS["M1"], tmp_path).verdict == "reproduced"
    finish(run, [3])
    judged = judge_claim(CLAIMS["M1"], tmp_path)
    (missing,) = judged.missing_evidence
    assert missing.reason.endswith(
        "grokking.parquet was made before these networks were finished: dense seed 3"
        ", grokked_ticket seed 3, random seed 3 and 1 more"
    )
    assert missing.commands == (f"python -m analyses.grokking --run {run.path}",)
    assert judged.verdict == "not measured" and judged.findings == []
    write_outcomes(run)
    assert judge_claim(CLAIMS["M1"], tmp_path).verdict == "reproduced"


def write_fast_run(runs, seeds):
    """Make a run of `modadd_fast` with some seeds, as M1f expects."""
    run = write_run(runs, "modadd_fast", "modadd_fast", trained=seeds, seeds=list(seeds))
    times = {"dense": (90, 5_000), "grokked_ticket": (90, 200), "shuffled": (90, None)}
    rows = [outcome_row(arm, seed, *t) for arm, t in times.items() for seed in seeds]
    roles = {"dense": "dense", "grokked_ticket": "ticket", "shuffled": "control"}
    curves = [
        {"arm": arm, "seed": seed, "step": step, "test_acc": accuracy}
        for seed in seeds
        for arm, accuracies in (("grokked_ticket", (0.1, 1.0)), ("shuffled", (0.1, 0.2)))
        for step, accuracy in zip((0, 200), accuracies, strict=True)
    ]
    for table, content in ((OUTCOMES, rows), (CURVES, curves)):
        path = run.analysis(table.name, ".parquet")
        save_table(path, table, filled_table(table, content, roles), inputs=inputs_of(run))


@pytest.mark.parametrize(("seeds", "verdict"), [((0,), "partly"), ((0, 1, 2), "reproduced")])
def test_one_seed_of_three_is_never_reproduced(tmp_path, seeds, verdict):
    write_fast_run(tmp_path, seeds)
    judged = judge_claim(CLAIMS["M1f"], tmp_path)
    assert judged.verdict == verdict and len(judged.findings) == 3
    assert all(finding.n_held == finding.n_cases == len(seeds) for finding in judged.findings)
    assert main(["--runs", str(tmp_path)]) == 0
    text = (tmp_path / "REPRODUCTION.md").read_text()
    section = text.partition("### M1f: ")[2].partition("###")[0]
    assert table_of(tmp_path).loc["M1f", "n"] == ("3" if verdict == "reproduced" else "1 of 3")
    assert ("| 5,000 in every seed | 1 of 3 | yes |" in section) == (verdict == "partly")
    train = f"python -m training modadd_fast --out {tmp_path}"
    assert (f"modadd_fast has 1 of 3 seeds trained: '{train}'" in section) == (verdict == "partly")


def test_an_unreadable_config_is_named(tmp_path):
    run = write_run(tmp_path)
    run.write_config(run.config() | {"optimizer": {"name": "none"}})
    (missing,) = judge_claim(CLAIMS["M1"], tmp_path).missing_evidence
    assert "config.json is not a recipe that this version can read: optimizer" in missing.reason


def test_an_error_in_a_judge_is_a_traceback(tmp_path):
    write_run(tmp_path)

    def judge(outcomes):
        return outcomes["no such column"]

    claim = replace(CLAIMS["M1"], evidence=(Evidence("modadd_ticket", (OUTCOMES,), judge),))
    with pytest.raises(KeyError, match="no such column"):
        judge_claim(claim, tmp_path)


def test_columns_of_networks_are_declared():
    assert all(name in OUTCOMES for name in NETWORK_COLUMNS)


def test_verdicts_are_printed_and_findings_with_verbose(tmp_path, capsys):
    write_run(tmp_path)
    assert main(["--runs", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Verdicts on the papers' claims, from saved tables.\n")
    assert "24 claims: 1 reproduced, 0 partly, 0 not reproduced, 23 not measured." in out
    assert "12,000 to 30,000" not in out and "(2 more tables with --verbose)" in out
    assert main(["--runs", str(tmp_path), "--verbose"]) == 0
    out = capsys.readouterr().out
    assert "12,000 to 30,000" in out and "m_norms has not been trained" in out
    assert all(
        len(table.rows[0]) <= 7
        for table in printed_verdicts([judge_claim(CLAIMS["M1"], tmp_path)], tmp_path)[:2]
    )


# documents


def test_markdown_escapes_what_would_be_markup():
    cell = r"|sin D| < *a* [b](c) `d` \ e_f"
    text = markdown([Heading(2, "a | b"), Paragraph(cell), TextTable(("x",), [(cell,), ("a\nb",)])])
    escaped = r"\|sin D\| \< \*a\* \[b](c) \`d\` \\ e_f"
    assert text == f"## a \\| b\n\n{escaped}\n\n| x |\n|---|\n| {escaped} |\n| a b |\n"
    assert markdown([Commands(["a | b", "c"])]) == "```\na | b\nc\n```\n"


class Page(HTMLParser):
    """Text of a page, open tags, and files that it loads."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text, self.labels, self.loads = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.loads += [values[name] for name in ("src", "href") if name in values]
        self.labels += [values["data-label"]] if tag == "td" else []
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_escapes_and_marks_verdicts():
    page = html_page([TextTable(('"x"', "v"), [("<b> & |", "partly")])], {"partly": "mixed"})
    assert "&lt;b&gt; &amp; |" in page and '<mark class="mixed">partly</mark>' in page
    parsed = Page(page)
    assert parsed.open == [] and parsed.labels == ['"x"', "v"] and "<b> & |" in parsed.text


def test_the_page_loads_no_other_file_and_has_the_text_of_the_markdown(tmp_path):
    write_run(tmp_path)
    assert main(["--runs", str(tmp_path)]) == 0
    page = (tmp_path / "REPRODUCTION.html").read_text()
    parsed = Page(page)
    assert parsed.open == [] and parsed.loads == [] and "@media (max-width" in page and "url(" not in page
    text = re.sub(r"\s+", " ", "".join(parsed.text))
    for row in table_of(tmp_path).itertuples():
        assert f"{row.Index}: {row.claim}" in text
    lines = (tmp_path / "REPRODUCTION.md").read_text().splitlines()
    n_cells = sum(len(re.split(r"(?<!\\)\|", line)) - 2 for line in lines if line.startswith("| "))
    n_head = page.count("<th>")
    assert len(parsed.labels) == n_cells - n_head


# the README


def test_the_readme_gets_the_table_between_its_marks(tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    write_run(tmp_path)
    for _ in range(2):  # the second time changes nothing
        assert main(["--runs", str(tmp_path), "--readme", str(readme)]) == 0
        text = readme.read_text()
        table = readme_table(pd.read_csv(tmp_path / "REPRODUCTION.csv", keep_default_na=False))
        assert text == f"before\n\n{BEGIN}\n\n{table}\n\n{END}\n\nafter\n"
    readme.write_text(f"{END} {BEGIN}")
    (tmp_path / "REPRODUCTION.csv").unlink()
    capsys.readouterr()
    assert main(["--runs", str(tmp_path), "--readme", str(readme)]) == 2
    assert "once each" in error_line(capsys.readouterr().err) and not (tmp_path / "REPRODUCTION.csv").exists()
    assert main(["--runs", str(tmp_path), "--readme", str(tmp_path / "none.md")]) == 2


def test_the_table_of_the_readme_escapes_its_cells():
    row = {
        "id": "M1",
        "claim": "it groks | late",
        "here": "τ: > 100",
        "verdict": "partly",
        "kind": "hard",
        "n": "3",
    }
    assert readme_table(pd.DataFrame([row, row | {"here": ""}])).splitlines() == [
        "| claim | here | verdict |",
        "|---|---|---|",
        r"| M1: it groks \| late | τ: > 100 | partly |",
        r"| M1: it groks \| late |  | partly |",
    ]


def test_the_committed_report_and_the_readme_agree():
    table = pd.read_csv(COMMITTED / "REPRODUCTION.csv", keep_default_na=False)
    claims = table[["id", "claim", "kind"]].to_numpy().tolist()
    assert claims == [[claim.id, claim.statement, claim.kind] for claim in CLAIMS.values()]
    assert f"{BEGIN}\n\n{readme_table(table)}\n\n{END}" in (ROOT / "README.md").read_text()
    text = (COMMITTED / "REPRODUCTION.md").read_text()
    for row in table.itertuples():
        assert f"| {row.id} | {row.claim} | {row.kind} | {row.verdict} |" in text
    for claim in CLAIMS.values():
        assert claim.holds_when.replace("|", "\\|") in text


def test_the_report_needs_no_torch(tmp_path):
    write_run(tmp_path)
    code = f"""
import sys
from analyses.report.command import main
assert main(["--runs", {json.dumps(str(tmp_path))}]) == 0
assert "torch" not in sys.modules and "matplotlib" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
