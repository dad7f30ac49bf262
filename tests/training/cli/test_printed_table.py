from training.cli.printed_table import PrintedTable, format_table, render


def columns(n):
    return {f"column {i}": i for i in range(n)}


def test_numbers_are_right_aligned_and_words_left_aligned():
    rows = [
        {"arm": "dense", "steps": 15_850, "t_gen": "15,850", "tau": 1.5},
        {"arm": "a ticket", "steps": 7, "t_gen": "> 30,000", "tau": None},
    ]
    _, header, first, second = PrintedTable("Title.", rows).text().splitlines()
    assert header == "arm       steps     t_gen  tau"
    assert first == "dense     15850    15,850  1.5"
    assert second == "a ticket      7  > 30,000    -"


def test_a_column_of_missing_values_is_printed_as_dashes():
    assert PrintedTable("Title.", [{"note": None, "share": float("nan")}]).text().splitlines()[
        -1
    ].split() == [
        "-",
        "-",
    ]


def test_seven_columns_are_printed_and_the_others_named():
    table = PrintedTable("Title.", [columns(9)], "Conclusion.")
    shown = table.text().splitlines()
    assert "column 6" in shown[1] and "column 7" not in shown[1]
    assert shown[-2] == "Conclusion."
    assert "column 7" in shown[-1] and "column 8" in shown[-1] and "--verbose" in shown[-1]
    assert "column 8" in table.text(verbose=True).splitlines()[1]
    assert "--verbose" not in PrintedTable("Title.", [columns(7)]).text()


def test_a_cell_that_a_row_lacks_is_missing():
    shown = PrintedTable("Title.", [{"arm": "dense"}, {"arm": "ticket", "note": "slow"}]).text().splitlines()
    assert shown[1].split() == ["arm", "note"]
    assert shown[2].split() == ["dense", "-"]


def test_details_are_printed_with_verbose_only():
    tables = [PrintedTable("First.", [columns(1)]), PrintedTable("Second.", [columns(1)], details=True)]
    assert "Second." not in render(tables) and "1 more table with --verbose" in render(tables)
    assert "Second." in render(tables, verbose=True) and "--verbose" not in render(tables, verbose=True)


def test_a_long_conclusion_is_wrapped_between_words():
    shown = PrintedTable("Title.", [columns(1)], "word " * 50).text().splitlines()
    assert max(map(len, shown)) <= 100 and " ".join(shown[3:]).split() == ["word"] * 50
    two = PrintedTable("Title.", [columns(1)], "Conclusion.\nLegend.").text().splitlines()
    assert two[-2:] == ["Conclusion.", "Legend."]


def test_a_table_without_rows_is_printed_as_no_rows():
    assert PrintedTable("Title.", []).text() == "Title.\n(no rows)"
    assert format_table([]) == "(no rows)"
