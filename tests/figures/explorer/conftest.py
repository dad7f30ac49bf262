"""Pages of tiny runs, opened in a headless Chromium; skipped where there is none."""

import shutil
from pathlib import Path

import pytest

from figures.explorer.command import main

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class ShownPage:
    """A page in the browser, with the errors and requests that it made."""

    def __init__(self, context, path, link):
        self.page = context.new_page()
        self.errors, self.requests = [], []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(Path(path).as_uri() + link)
        self.page.wait_for_selector("body[data-state=ready]")

    def evaluate(self, *code):
        """Return the value of some JavaScript."""
        return self.page.evaluate(*code)

    @property
    def state(self):
        """What is chosen, without the networks themselves."""
        return self.evaluate("(({ networks, ...rest }) => rest)(explorer.app.state)")

    def see(self, view):
        """Scroll to a view, and wait until its plots are drawn."""
        self.page.wait_for_function(
            """view => {
                document.getElementById(`view-${view}`).scrollIntoView();  // again while plots above it grow
                const panels = [...explorer.app.panels.values()].filter((panel) => panel.view.name === view);
                return panels.every((panel) => panel.plot && !panel.isDirty || !panel.isSeen)
                    && panels.some((panel) => panel.isSeen);
            }""",
            arg=view,
        )
        self.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(done), 100))")
        self.wait()  # also for plots that have come into sight by the last scrolling

    def go(self, **state):
        """Change the state, and wait until it is drawn."""
        self.evaluate("state => explorer.app.update(state)", state)
        self.wait()

    def wait(self):
        """Wait until all that is seen is drawn."""
        self.page.wait_for_function(
            """!explorer.app.frame && [...explorer.app.panels.values()].every(
                (panel) => !panel.isSeen || panel.plot && !panel.isDirty)"""
        )

    def content(self, view):
        """Return what the plots of a view show, by panel."""
        return self.evaluate(
            """view => {
                const data = (panel) => JSON.stringify(
                    [panel.line?.style.transform, ...[...panel.models.values()].map((model) => model.data)]);
                const panels = [...explorer.app.panels.values()];
                return Object.fromEntries(panels.filter((panel) => panel.view.name === view && panel.isSeen)
                    .map((panel) => [panel.name, data(panel)]));
            }""",
            view,
        )

    def center_of(self, panel, x, y):
        """Return where on the screen a plot has the point (x, y)."""
        return self.evaluate(
            """([name, x, y]) => {
                const view = explorer.app.panels.get(name).plotView, { frame } = view;
                const box = view.el.getBoundingClientRect();
                return [box.x + frame.x_scale.compute(x), box.y + frame.y_scale.compute(y)];
            }""",
            [panel, x, y],
        )


@pytest.fixture(scope="session")
def browser():
    """Return a headless Chromium, the system's."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium: install the system's package, as 'apt-get install chromium'")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser):
    """Return a function that opens a page, without network."""
    contexts = []

    def open_page(path, link="", width=1280, scheme="light"):
        viewport = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=viewport, color_scheme=scheme, offline=True))
        return ShownPage(contexts[-1], path, link)

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def tiny_page(tiny_run, tmp_path_factory):
    """Return the page of the tiny run, with all tables."""
    folder = tmp_path_factory.mktemp("explorer")
    run = shutil.copytree(tiny_run, folder / "tiny")
    assert main(["--run", str(run), "--all"]) == 0
    return run / "explorer.html"
