"""The report on nothing, on a planted run, on damaged ones; its documents, and the README's table."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd

from analyses.claims.registry import CLAIMS
from analyses.report.command import main
from analyses.report.document import BEGIN, END, readme_table
from analyses.report.rendering import Commands, Heading, Paragraph, Table, html_page, markdown
from training.config.recipe_files import read_recipe
from training.runs.run_directory import RunDir
from training.schema.validation import to_dict

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "analyses" / "reproduction"


def networks():
    """The table of `analyses.grokking` of a dense network that groks late."""
    row = {"arm": "dense", "status": "done", "t_mem": 90, "t_gen": 20_000, "tau": 222.2, "steps": 30_000}
    row |= {"t_mem_after": 80, "t_gen_after": 19_990, "tau_lower": 222.0}
    row |= {"t_mem_interval": "(80, 90]", "t_gen_interval": "(19990, 20000]", "sparsity": 0.0}
    row |= dict.fromkeys(("train_loss", "test_loss", "train_acc", "test_acc"), 0.5)
    return pd.DataFrame([row | {"seed": seed} for seed in range(3)])


def write_run(runs, name="modadd_ticket", **changes):
    """A run of a recipe, with its provenance and the one table that M1 needs."""
    run = RunDir(runs / name)
    run.write_recipe("", to_dict(read_recipe("modadd_ticket")[0]) | changes)
    run.add_provenance({"seconds": 700.0, "workers": 2, "device": "cpu", "versions": {"torch": "2"}})
    run.analysis("grokking", ".parquet").parent.mkdir()
    networks().to_parquet(run.analysis("grokking", ".parquet"))
    return run


def table_of(out):
    return pd.read_csv(out / "REPRODUCTION.csv", keep_default_na=False).set_index("id")


def error_of(capsys):
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
    return line


def test_of_nothing_all_is_not_measured_and_says_which_commands_make_it(tmp_path, capsys):
    assert main(["--runs", str(tmp_path)]) == 0
    assert set(table_of(tmp_path)["verdict"]) == {"not measured"}
    text = (tmp_path / "REPRODUCTION.md").read_text()
    assert "24 claims: 0 reproduced, 0 partly, 0 not reproduced, 24 not measured" in text
    for claim in CLAIMS:
        section = text.partition(f"### {claim.id}: ")[2].partition("###")[0]
        for evidence in claim.evidence:
            assert f"python -m training {evidence.recipe} --out {tmp_path}" in section
            for analysis in evidence.analyses:
                assert f"python -m analyses.{analysis} --run {tmp_path / evidence.recipe}" in section
    assert capsys.readouterr().out.count("not measured") == 24


def test_of_a_run_only_its_claims_are_judged(tmp_path):
    write_run(tmp_path)
    assert main(["--runs", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    table = table_of(tmp_path / "out")
    assert table["verdict"].to_dict() == {claim.id: "not measured" for claim in CLAIMS} | {"M1": "reproduced"}
    assert table.loc["M1", "here"] == "dense t_mem: 90; dense median t_gen: 20,000; dense τ: 222"
    text = (tmp_path / "out" / "REPRODUCTION.md").read_text()
    assert f"python -m training modadd_ticket --out {tmp_path}  # 11.7 min" in text
    assert "| dense median t_gen | 12,000 to 30,000 | 20,000 | 20,000 in every seed | 3 | yes |" in text
    assert "modadd_ticket has no table of speed" in text and "m_norms has not been trained" in text
    times = pd.read_csv(tmp_path / "out" / "networks.csv")
    assert times[["run", "arm", "seed", "t_gen_interval"]].to_numpy().tolist() == [
        ["modadd_ticket", "dense", seed, "(19990, 20000]"] for seed in range(3)
    ]
    assert "| modadd_ticket | 0 | 0 | 11.7 min | 2 | cpu | 2 | - |" in text


def test_what_fails_is_told_first(tmp_path):
    run = write_run(tmp_path)
    networks().assign(t_gen=[20_000, 29_000, 50_000], tau=[222.0, 50, 60]).to_parquet(
        run.analysis("grokking", ".parquet")
    )
    assert main(["--runs", str(tmp_path)]) == 0
    text = (tmp_path / "REPRODUCTION.md").read_text()
    failures = text.partition("## What does not hold")[2].partition("## Claim by claim")[0]
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
    write_run(tmp_path, seeds=[7], arms=recipe["arms"] | {"more": recipe["arms"]["random"]})
    assert main(["--runs", str(tmp_path)]) == 0
    assert table_of(tmp_path).loc["M1", "verdict"] == "reproduced"


def test_users_mistakes_are_one_line(tmp_path, capsys):
    assert main(["--runs", str(tmp_path / "none")]) == 2
    assert "none does not exist" in error_of(capsys)
    path = write_run(tmp_path).analysis("grokking", ".parquet")
    networks().drop(columns="t_mem").to_parquet(path)
    assert main(["--runs", str(tmp_path)]) == 1
    assert "expected 't_mem', and it is missing: run the analysis again" in error_of(capsys)
    path.write_bytes(path.read_bytes()[:-10])
    assert main(["--runs", str(tmp_path)]) == 1
    assert "grokking.parquet: damaged" in error_of(capsys)
    assert not (tmp_path / "REPRODUCTION.md").exists()


# documents


def test_markdown_escapes_what_would_be_markup():
    cell = r"|sin D| < *a* [b](c) `d` \ e_f"
    text = markdown([Heading(2, "a | b"), Paragraph(cell), Table(("x",), [(cell,), ("a\nb",)])])
    escaped = r"\|sin D\| \< \*a\* \[b](c) \`d\` \\ e_f"
    assert text == f"## a \\| b\n\n{escaped}\n\n| x |\n|---|\n| {escaped} |\n| a b |\n"
    assert markdown([Commands(["a | b", "c"])]) == "```\na | b\nc\n```\n"


class Page(HTMLParser):
    """The text of a page, and whether its tags are closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text, self.labels, self.loads = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        own = dict(attrs)
        self.loads += [own[name] for name in ("src", "href") if name in own]
        self.labels += [own["data-label"]] if tag == "td" else []
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_escapes_and_marks_verdicts():
    page = html_page([Table(('"x"', "v"), [("<b> & |", "partly")])], {"partly": "mixed"})
    assert "&lt;b&gt; &amp; |" in page and '<mark class="mixed">partly</mark>' in page
    parsed = Page(page)
    assert parsed.open == [] and parsed.labels == ['"x"', "v"] and "<b> & |" in parsed.text


def test_the_page_needs_no_other_file_and_says_what_the_markdown_says(tmp_path):
    write_run(tmp_path)
    assert main(["--runs", str(tmp_path)]) == 0
    page = (tmp_path / "REPRODUCTION.html").read_text()
    parsed = Page(page)
    assert parsed.open == [] and parsed.loads == [] and "@media (max-width" in page and "url(" not in page
    said = re.sub(r"\s+", " ", "".join(parsed.text))
    for row in table_of(tmp_path).itertuples():
        assert f"{row.Index}: {row.claim}" in said
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
    assert "once each" in error_of(capsys) and not (tmp_path / "REPRODUCTION.csv").exists()
    assert main(["--runs", str(tmp_path), "--readme", str(tmp_path / "none.md")]) == 2


def test_the_table_keeps_its_form():
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


def test_the_committed_report_and_the_readme_are_one():
    table = pd.read_csv(COMMITTED / "REPRODUCTION.csv", keep_default_na=False)
    claims = table[["id", "claim", "kind"]].to_numpy().tolist()
    assert claims == [[claim.id, claim.words, claim.kind] for claim in CLAIMS]
    assert f"{BEGIN}\n\n{readme_table(table)}\n\n{END}" in (ROOT / "README.md").read_text()
    text = (COMMITTED / "REPRODUCTION.md").read_text()
    for row in table.itertuples():
        assert f"| {row.id} | {row.claim} | {row.kind} | {row.verdict} |" in text
    for claim in CLAIMS:
        assert claim.holds_when.replace("|", "\\|") in text


def test_help_imports_nothing_heavy():
    code = """
import sys
from analyses.report.command import main
try:
    main(["--help"])
except SystemExit as stop:
    assert stop.code == 0
heavy = {"torch", "numpy", "pandas", "scipy", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def test_the_report_needs_no_torch(tmp_path):
    write_run(tmp_path)
    code = f"""
import sys
from analyses.report.command import main
assert main(["--runs", {json.dumps(str(tmp_path))}]) == 0
assert "torch" not in sys.modules and "matplotlib" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
