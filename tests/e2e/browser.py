"""What the tests of the dashboard share: Debian's Chromium, and the running binary.

Run with the Python that tools/bootstrap.d/playwright prints. Pictures of what it saw are kept in
build/dashboard (SPARKCRON_PICTURES).
"""
import os
import pathlib

import harness
from harness import Kubectl, sparkctl
from playwright.sync_api import sync_playwright

PICTURES = pathlib.Path(os.environ.get("SPARKCRON_PICTURES", harness.ROOT / "build/dashboard"))
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>"\'><b>&lt;'


class BrowserTest(harness.E2ETest):
    @classmethod
    def setUpClass(cls):
        PICTURES.mkdir(parents=True, exist_ok=True)
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        cls.browser = cls.playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.standalone = self.service().start()
        self.kubectl = Kubectl(self.standalone)
        self.complaints = []

    def open(self, link, **more):
        """A page of a browser of its own; what its console complains of is kept."""
        context = self.browser.new_context(ignore_https_errors=True, locale="en-GB", timezone_id="Asia/Tokyo",
                                           **{"viewport": {"width": 1400, "height": 900}, **more})
        self.addCleanup(context.close)
        context.set_default_timeout(120_000)
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(f"{message.text} {message.location.get('url', '')}") if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(link)
        return page

    def link(self):
        return sparkctl(self.standalone, "dashboard").stdout.strip()

    def row(self, page, name):
        return page.locator("table.schedules tbody tr", has=page.get_by_text(name, exact=True))

    def picture(self, page, name):
        page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)

    def quiet(self, page):
        self.assertEqual(self.complaints, [])
        self.assertNotIn(page.title(), ("1", "2"), "markup was run")
