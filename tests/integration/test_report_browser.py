"""The page in a real browser: it filters, it prints, it asks the network for nothing."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from orchestrate.adapters.backends.local.reports.findings_list import MOST_CARDS
from orchestrate.adapters.backends.local.reports.page import render_html
from orchestrate.core.sharing.findings import Analysis
from orchestrate.core.sharing.remediation import NO_FIXES, Remediation
from tests.unit.adapters.local.hostile import hostile
from tests.unit.adapters.local.remediation_sample import fixed, hostile_fixes
from tests.unit.adapters.local.report_sample import TIMELINE, many, sample

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """A fresh headless Chromium that shows pages written to a folder."""

    def __init__(self, driver: webdriver.Chrome, folder: Path) -> None:
        self.driver = driver
        self.folder = folder

    def show(self, analysis: Analysis, fixes: Remediation = NO_FIXES) -> None:
        page = self.folder / "report.html"
        page.write_bytes(render_html(analysis, TIMELINE, version="0.1.0", fixes=fixes))
        self.driver.get(page.as_uri())

    def media(self, **features: str) -> None:
        listed = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})

    def shown(self) -> list[WebElement]:
        cards = self.driver.find_elements(By.CSS_SELECTOR, ".finding")
        return [card for card in cards if card.is_displayed()]

    def status(self) -> str:
        return self.driver.find_element(By.ID, "shown").text

    def find(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def log(self, kind: str) -> list[dict[str, str]]:
        """What was logged since the last look."""
        entries: list[dict[str, str]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def complaints(self) -> list[str]:
        """Everything the console has to say, policy violations included."""
        return [str(entry["message"]) for entry in self.log("browser")]

    def requested(self) -> set[str]:
        """Every address the page asked for."""
        urls = set()
        for entry in self.log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.add(str(message["params"]["request"]["url"]))
        return urls


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    profile = tmp_path_factory.mktemp("browser-profile")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)), "")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Selenium's own search for a driver would ask the network.
    service = Service(executable_path=shutil.which("chromedriver"))
    started = webdriver.Chrome(options=options, service=service)
    yield started
    started.quit()


@pytest.fixture
def browser(driver: webdriver.Chrome, tmp_path: Path) -> Browser:
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    fresh = Browser(driver, tmp_path)
    for kind in ("browser", "performance"):
        fresh.log(kind)
    return fresh


def colours(png: bytes) -> int:
    from PIL import Image

    with Image.open(io.BytesIO(png)) as picture:
        found = picture.convert("RGB").getcolors(maxcolors=2**24)
    return len(found or [])


@pytest.mark.parametrize("analysis", [sample(), hostile(sample())], ids=["sample", "hostile"])
def test_page_loads_nothing_and_the_console_stays_silent(
    browser: Browser, analysis: Analysis
) -> None:
    browser.show(analysis)

    assert browser.requested() == {(browser.folder / "report.html").as_uri()}
    assert browser.complaints() == []
    assert browser.driver.title.startswith("Security report: shop")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("fixes", [fixed(), hostile_fixes()], ids=["sample", "hostile"])
def test_fixes_are_shown_whole_and_within_the_window(
    browser: Browser, fixes: Remediation, width: int
) -> None:
    browser.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.show(sample(), fixes)
    browser.driver.execute_script(
        "for (const d of document.querySelectorAll('.fix')) d.open = true"
    )

    cards = browser.driver.find_elements(By.CSS_SELECTOR, ".fix")
    assert [card.is_displayed() for card in cards] == [True] * 5
    assert all(diff.is_displayed() for diff in browser.driver.find_elements(By.CLASS_NAME, "diff"))
    assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []
    assert browser.requested() == {(browser.folder / "report.html").as_uri()}
    browser.find("#fixed").screenshot(str(browser.folder / f"fixed-{width}.png"))


def test_the_fix_of_a_finding_opens_when_it_is_followed(browser: Browser) -> None:
    browser.show(sample(), fixed())
    assert not browser.find("#fix-1 .detail").is_displayed()

    browser.find('#finding-1 a[href="#fix-1"]').send_keys(Keys.ENTER)

    browser.driver.execute_async_script("setTimeout(arguments[0])")
    assert browser.find("#fix-1 .detail").is_displayed()
    assert "118 passed" in browser.find("#fix-1").text


def test_filters_leave_the_fixes_alone(browser: Browser) -> None:
    browser.show(sample(), fixed())

    browser.find('input[type="search"]').send_keys("no such thing")

    assert browser.status() == "0 of 7 findings"
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, ".fix")) == 5
    assert browser.find("#fix-1").is_displayed()


def test_severity_filter_hides_and_shows(browser: Browser) -> None:
    browser.show(sample())
    assert browser.status() == "All 7 findings"

    browser.find('input[value="high"]').send_keys(Keys.SPACE)

    assert browser.status() == "5 of 7 findings"
    assert {card.get_attribute("data-severity") for card in browser.shown()} == {
        "critical",
        "medium",
        "low",
        "info",
    }
    browser.find('input[value="high"]').send_keys(Keys.SPACE)
    assert len(browser.shown()) == 7


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [("exposure", "test", 1), ("category", "dependency", 1), ("tool", "bandit", 3)],
)
def test_selections_filter_by_exposure_category_and_tool(
    browser: Browser, name: str, value: str, left: int
) -> None:
    browser.show(sample())

    Select(browser.find(f'select[name="{name}"]')).select_by_value(value)

    assert len(browser.shown()) == left
    assert browser.status() == f"{left} of 7 findings"


def test_search_looks_at_titles_paths_rules_and_code(browser: Browser) -> None:
    browser.show(sample())
    field = browser.find('input[type="search"]')

    for text, left in (("SHELL COMMAND", 1), ("cache.py", 1), ("B301", 1), ("pickle.load", 1)):
        field.clear()
        field.send_keys(text)
        assert len(browser.shown()) == left, text
    field.clear()
    field.send_keys("no such thing")
    assert browser.status() == "0 of 7 findings"


def test_reset_shows_everything_again(browser: Browser) -> None:
    browser.show(sample())
    browser.find('input[type="search"]').send_keys("pickle")
    Select(browser.find('select[name="tool"]')).select_by_value("bandit")

    browser.find('button[type="reset"]').click()

    browser.driver.execute_async_script("setTimeout(arguments[0])")
    assert browser.status() == "All 7 findings"


def test_everything_is_reached_by_keyboard(browser: Browser) -> None:
    browser.show(sample())
    reached: list[str] = []
    for _ in range(60):
        browser.find("body").send_keys(Keys.TAB) if not reached else (
            browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        )
        active = browser.driver.switch_to.active_element
        name = active.get_attribute("name") or active.get_attribute("class") or active.tag_name
        reached.append(f"{active.tag_name}:{name}")

    assert reached[0] == "a:skip"
    for expected in ("input:severity", "input:text", "select:tool", "button:button"):
        assert expected in reached, reached
    assert "pre:source" in reached
    assert any(each.startswith("g:module") for each in reached)


def test_a_card_opens_with_enter_and_slash_goes_to_the_search(browser: Browser) -> None:
    browser.show(sample())
    closed = browser.find("#finding-5 > summary")
    assert not browser.find("#finding-5 .detail").is_displayed()

    closed.send_keys(Keys.ENTER)

    assert browser.find("#finding-5 .detail").is_displayed()
    closed.send_keys("/")
    assert browser.driver.switch_to.active_element.get_attribute("name") == "text"


def test_without_script_every_finding_is_there_and_no_dead_control_shows(
    browser: Browser,
) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})

    browser.show(sample())

    assert not browser.find("#filters").is_displayed()
    assert len(browser.shown()) == 7
    browser.find("#finding-5 > summary").click()
    assert browser.find("#finding-5 .detail").is_displayed()


def test_findings_beyond_the_cards_are_listed_and_filtered_too(browser: Browser) -> None:
    browser.show(many(5_000))
    assert browser.status() == "All 5,000 findings"
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, ".finding")) == MOST_CARDS
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, "#rest-list li")) == 200

    browser.find("#rest-more").click()
    assert len(browser.driver.find_elements(By.CSS_SELECTOR, "#rest-list li")) == 400

    # The mildest come last, so they have no card.
    browser.find('input[type="search"]').send_keys("flaw number 4999")
    assert browser.status() == "1 of 5,000 findings"
    assert "Flaw number 4999" in browser.find("#rest-list").text


def test_a_module_under_the_focus_shows_its_imports_alone(browser: Browser) -> None:
    browser.show(sample())
    module = browser.find('g.module[aria-label^="shop.mail "]')

    browser.driver.execute_script("arguments[0].focus()", module)

    near = browser.driver.find_elements(By.CSS_SELECTOR, "g.module.near")
    names = {str(each.get_attribute("aria-label")).split(" ")[0] for each in near}
    assert names == {"shop.mail", "shop.orders", "shop.config", "shop.http"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_page_is_painted_and_never_wider_than_the_window(
    browser: Browser, scheme: str, width: int
) -> None:
    browser.media(prefers_color_scheme=scheme)
    browser.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.show(hostile(sample()))

    picture = browser.driver.get_screenshot_as_png()
    (browser.folder / f"report-{scheme}-{width}.png").write_bytes(picture)

    wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width
    assert colours(picture) > 50
    ground = browser.find("body").value_of_css_property("background-color")
    levels = [int(part) for part in ground[ground.index("(") + 1 : -1].split(",")[:3]]
    assert (sum(levels) < 384) == (scheme == "dark")


def test_printing_shows_every_finding_open(browser: Browser) -> None:
    browser.show(sample())

    printed = browser.driver.execute_cdp_cmd("Page.printToPDF", {})

    assert len(printed["data"]) > 10_000
    browser.driver.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert all(card.get_attribute("open") for card in browser.shown())
    browser.driver.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert [bool(card.get_attribute("open")) for card in browser.shown()] == [True] * 3 + [
        False
    ] * 4
