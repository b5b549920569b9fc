"""The emulator's page, in a browser and past it: what it shows, what it does, and who may not see it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.emulator import KeyVaultEmulator

from .client import Api, EmulatorFactory, private_jwk

pytest_plugins = ["fixtures.browser"]


class Visitor:
    """What a browser keeps: the cookie, and what the forms of the last page had in them."""

    def __init__(self, vault: KeyVaultEmulator) -> None:
        self.vault = vault
        self.http = urllib3.PoolManager(ca_certs=vault.ca_bundle, retries=False)
        self.cookie = ""
        self.form_token = ""

    def get(self, target: str = "/", **headers: str) -> urllib3.BaseHTTPResponse:
        url = target if target.startswith("https://") else self.vault.url + target
        answer = self.http.request("GET", url, headers={"Cookie": self.cookie, **headers}, redirect=False)
        found = re.search(r'name="form_token" value="([^"]+)"', answer.data.decode())
        self.form_token = found[1] if found else self.form_token
        return answer

    def open(self, link: str = "") -> Visitor:
        answer = self.get(link or self.vault.ui_link)
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        assert self.get().status == 200
        return self

    def post(self, action: str, fields: dict[str, str] | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        form = {"form_token": self.form_token, "vault": "", "action": action, **(fields or {})}
        return self.http.request(
            "POST",
            f"{self.vault.url}/",
            fields=form,
            encode_multipart=False,
            headers={"Cookie": self.cookie, **headers},
            redirect=False,
        )

    def message(self, action: str, **fields: str) -> str:
        """Send a form, and return what the next page says of it."""
        assert self.post(action, fields).status == 303
        page = self.get("/?vault=" + fields["vault"] if fields.get("vault") else "/").data.decode()
        found = re.search(r'role="status">([^<]*)<', page)
        assert found, page
        return found[1]


@pytest.fixture
def visitor(start: EmulatorFactory) -> Iterator[Visitor]:
    vault = start(ui=True, deletion_delay=0, vaults=("billing",), token_lifetime=10**9).vault
    one = Visitor(vault)
    yield one
    one.http.clear()


@pytest.fixture
def opened(visitor: Visitor) -> Visitor:
    return visitor.open()


def test_page_needs_the_link(visitor: Visitor) -> None:
    for target in ("/", "/?token=", "/?token=guess", "/?vault=billing"):
        answer = visitor.get(target)
        assert answer.status == 403
        assert "Open the link that the emulator printed" in answer.data.decode()
        assert "Set-Cookie" not in answer.headers


def test_link_works_once(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    link = visitor.vault.ui_link
    visitor.open(link)
    other = Visitor(visitor.vault)
    refused = other.get(link)
    assert refused.status == 403
    assert "This link has already been used" in refused.data.decode()
    assert "Set-Cookie" not in refused.headers
    printed = re.search(r"https://\S+", caplog.text)
    assert printed, "a new one is printed where the emulator runs"
    other.open(printed[0])
    assert visitor.get().status == 200, "the first session goes on"
    other.http.clear()


def test_link_is_one_of_this_machine_whatever_the_name_on_a_network() -> None:
    # The client of these tests would look the name up, so there is none.
    with KeyVaultEmulator(ui=True, hostnames=("keyvault",), listen="127.0.0.2") as vault:
        assert vault.url.startswith("https://keyvault:")
        assert vault.ui_link.startswith("https://localhost:")


def test_cookie_is_for_this_origin_and_not_for_scripts(visitor: Visitor) -> None:
    cookie = visitor.get(visitor.vault.ui_link).headers["Set-Cookie"]
    port = visitor.vault.url.rsplit(":", 1)[1]
    assert cookie.startswith(f"__Host-emulator-{port}=")
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Strict")


def test_policy_allows_no_script_and_nothing_from_elsewhere(opened: Visitor) -> None:
    answer = opened.get()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    page = answer.data.decode()
    assert "<script" not in page
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "forged",
    ["no-cookie", "no-token", "token-of-another", "origin", "site"],
)
def test_form_of_another_site_does_nothing(opened: Visitor, forged: str) -> None:
    Api(opened.vault).create("invoices")
    headers: dict[str, str] = {}
    fields = {"key": "invoices"}
    if forged == "no-cookie":
        headers["Cookie"] = ""
    elif forged == "no-token":
        fields["form_token"] = ""
    elif forged == "token-of-another":
        other = Visitor(opened.vault).open()
        fields["form_token"] = other.form_token
        other.http.clear()
    else:
        headers["Origin" if forged == "origin" else "Sec-Fetch-Site"] = (
            "https://evil.example" if forged == "origin" else "cross-site"
        )
    assert opened.post("delete", fields, **headers).status == 403
    assert Api(opened.vault)("GET", "/keys/invoices").status == 200
    assert opened.post("delete", {"key": "invoices"}, Origin=opened.vault.url).status == 303
    assert Api(opened.vault)("GET", "/keys/invoices").status == 404


def test_form_that_is_too_large_is_refused(opened: Visitor) -> None:
    assert opened.post("delete", {"key": "x" * 70_000}).status == 403
    assert opened.post("delete", {"key": "x" * (5 * 1024 * 1024)}).status == 413
    assert opened.get().status == 200


def test_name_that_only_leads_here_is_not_answered(opened: Visitor) -> None:
    """Another site's name may be pointed to this machine after its page was loaded."""
    answer = opened.get("/", Host="rebound.evil.example")
    assert answer.status == 421
    assert "invoices" not in answer.data.decode()


def test_page_is_off_unless_it_is_asked_for(start: EmulatorFactory) -> None:
    api = start()
    assert "Forbidden: Access is denied." in api.send("GET", "/").data.decode()
    with pytest.raises(RuntimeError, match="has no page"):
        _ = api.vault.ui_link


def test_page_shows_no_private_key(opened: Visitor) -> None:
    api = Api(opened.vault)
    jwk = private_jwk("RSA")
    api("PUT", "/keys/imported", {"key": jwk})
    page = opened.get().data.decode()
    assert "imported" in page
    assert [name for name in ("n", "d", "p", "q", "dp", "dq", "qi") if jwk[name] in page] == []
    assert api.token not in page
    api.close()


def test_texts_of_callers_are_escaped(opened: Visitor) -> None:
    api = Api(opened.vault)
    api.create("tagged", tags={"<script>alert(1)</script>": '"><img src=x>'})
    api("GET", "/keys/%3Cimg%3E?x=<b>")
    opened.vault.faults.status(503, path="<i>")
    page = opened.get().data.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"<(script|img|b|i)>", page)
    assert "<img src" not in page
    api.close()


def test_calls_for_the_page_are_neither_recorded_nor_disturbed(opened: Visitor) -> None:
    opened.vault.faults.status(503, times=None, probes=None)
    opened.vault.permissions.firewall = True
    opened.vault.throttle.limit(1)
    assert [opened.get().status for _ in range(3)] == [200] * 3
    assert len(opened.vault.requests) == 0


def test_forms_turn_the_knobs_that_tests_have(opened: Visitor) -> None:
    vault, api = opened.vault, Api(opened.vault)
    api.create("invoices")
    assert opened.message("rotate", key="invoices") == "invoices rotated."
    assert len(api("GET", "/keys/invoices/versions").json["value"]) == 2
    assert opened.message("delete", key="invoices") == "invoices deleted."
    assert opened.message("recover", key="invoices") == "invoices is being recovered."
    assert api("GET", "/keys/invoices").status == 200
    opened.message("delete", key="invoices")
    assert opened.message("purge", key="invoices") == "invoices purged."
    assert api("GET", "/deletedkeys/invoices").status == 404
    assert opened.message("permissions", **{"allow-get": "on", "firewall": "on"}) == "Permissions set."
    assert vault.permissions.firewall is True
    assert api("GET", "/keys/a").error[2] == "ForbiddenByFirewall"
    assert opened.message("reset") == "All settings restored; keys unchanged."
    assert api("GET", "/keys").status == 200
    opened.message("claims")
    assert [api("GET", "/keys").status for _ in range(2)] == [401, 200]
    opened.message("revoke")
    assert api("GET", "/keys").status == 401
    opened.message("reset")
    assert opened.message("throttle", mode="limit", calls="2", seconds="60", retry_after="7") == "Throttling is on."
    assert [api("GET", "/keys").status for _ in range(3)] == [200, 200, 429]
    assert api("GET", "/keys").headers["Retry-After"] == "7"
    assert "2 calls in 60 seconds, Retry-After: 7" in opened.get().data.decode()
    assert opened.message("throttle", mode="documented") == "Throttling is on."
    made = [api("POST", f"/keys/many{number}/create", {"kty": "EC"}).status for number in range(21)]
    assert made == [200] * 20 + [429]
    assert "the documented limits of a vault</strong>" in opened.get().data.decode()
    assert opened.message("throttle", mode="off") == "Throttling is off."
    assert api("GET", "/keys").status == 200
    opened.message("throttle", mode="limit")
    opened.message("reset")
    assert vault.throttle.is_on is False
    opened.message("advance", amount="2", unit="days")
    assert vault.clock.offset == 2 * 86400
    opened.message("now")
    assert vault.clock.offset == 0
    api.close()


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"kind": "status", "number": "418"}, 418),
        ({"kind": "status"}, 503),
        ({"kind": "throttled", "method": "GET", "path": "^/keys"}, 429),
        ({"kind": "drop"}, None),
        ({"kind": "lose"}, None),
        ({"kind": "delay", "number": "0"}, 404),
        ({"kind": "hang", "number": "0"}, None),
    ],
    ids=["status", "default", "throttled", "drop", "lose", "delay", "hang"],
)
def test_faults_are_injected_and_ended(opened: Visitor, fields: dict[str, str], outcome: int | None) -> None:
    api = Api(opened.vault)
    assert opened.message("inject", times="2", **fields) == "Fault injected."
    try:
        assert api("GET", "/keys/a").status == outcome
    except urllib3.exceptions.HTTPError:
        assert outcome is None
    found = re.search(r'name="fault" value="(\d+)"', opened.get().data.decode())
    assert found
    opened.message("end-fault", fault=found[1])
    assert api("GET", "/keys/a").status == 404
    api.close()


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [
        ("delete", {"key": "nothing"}, "404 KeyNotFound"),
        ("delete", {"key": "../x"}, "400 BadParameter"),
        ("delete", {}, "405 MethodNotAllowed"),
        ("explode", {}, "Not done: there is no action"),
        ("inject", {"kind": "other"}, "Not done: choose a fault"),
        ("inject", {"kind": "status", "path": "("}, "Not done: path must be a regular expression"),
        ("inject", {"kind": "status", "number": "7"}, "Not done: a status must be 100 to 599"),
        ("advance", {"amount": "nan"}, "Not done: amount must be a number"),
        ("advance", {"amount": "x"}, "Not done"),
        ("throttle", {"mode": "half"}, "Not done: choose a limit"),
        ("throttle", {"mode": "limit", "calls": "0"}, "Not done: calls must be 1 or more"),
        ("throttle", {"mode": "limit", "seconds": "0"}, "Not done: seconds must be more than 0"),
        ("throttle", {"mode": "limit", "retry_after": "-1"}, "Not done: retry_after must not be negative"),
    ],
    ids=[
        "missing",
        "path",
        "nameless",
        "action",
        "fault",
        "pattern",
        "status",
        "nan",
        "text",
        "limit",
        "no-calls",
        "no-time",
        "retry-after",
    ],
)
def test_form_that_is_wrong_is_said_so(opened: Visitor, action: str, fields: dict[str, str], message: str) -> None:
    assert opened.message(action, **fields).startswith(message)
    assert opened.get().status == 200


def test_further_vaults_are_shown_too(opened: Visitor) -> None:
    billing = Api(opened.vault.vaults["billing"])
    billing.create("bills")
    assert "bills" not in opened.get("/").data.decode()
    assert "bills" in opened.get("/?vault=billing").data.decode()
    assert opened.message("delete", key="bills", vault="billing") == "bills deleted."
    assert billing("GET", "/keys/bills").status == 404
    assert opened.get("/?vault=nothing").status == 404
    billing.close()


@pytest.mark.parametrize(("words", "shown"), [([], True), (["--no-ui"], False)], ids=["default", "off"])
def test_server_prints_the_link_of_its_page(words: list[str], shown: bool) -> None:
    command = [sys.executable, "-m", "azure.keyvault.keys.emulator", "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        text = ""
        for line in process.stdout:
            text += line
            if line.startswith("Ctrl+C"):
                break
        process.terminate()
        process.communicate(timeout=15)
    assert bool(re.search(r"Web page \(this link works once\): https://localhost:\d+/\?token=\S+", text)) is shown


def test_key_is_seen_and_deleted_in_a_browser_and_a_fault_is_injected(chromium: Any) -> None:
    with (
        KeyVaultEmulator(ui=True, deletion_delay=0) as vault,
        KeyClient(vault.url, vault.credential, retry_backoff_factor=0.01, **vault.client_options) as client,
    ):
        client.create_ec_key("invoices", curve="P-384")
        context = chromium.new_context(ignore_https_errors=True)
        page, complaints = context.new_page(), []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(vault.ui_link)
        assert page.url == f"{vault.url}/"
        assert "EC P-384" in page.inner_text("#key-invoices")
        page.click("#versions-invoices summary")
        assert client.get_key("invoices").properties.version in page.inner_text("#versions-invoices")

        page.get_by_role("button", name="Delete invoices").click()
        assert page.inner_text("[role=status]") == "invoices deleted."
        assert page.locator("#key-invoices").count() == 0
        assert page.locator("#deleted-invoices").count() == 1
        with pytest.raises(ResourceNotFoundError):
            client.get_key("invoices")
        page.get_by_role("button", name="Recover invoices").click()

        page.fill("#faults [name=times]", "2")
        page.fill("#faults [name=path]", "^/keys/invoices")
        page.get_by_role("button", name="Inject").click()
        assert "respond with 503" in page.inner_text("#faults")
        assert client.get_key("invoices").name == "invoices"
        page.get_by_role("link", name="Refresh").click()
        statuses = [row.split("\t")[1] for row in page.inner_text("#requests tbody").splitlines()]
        assert statuses[:4] == ["200", "503", "503", "404"]
        assert "respond with 503" not in page.inner_text("#faults")

        page.select_option("#throttle [name=mode]", "limit")
        page.fill("#throttle [name=calls]", "1")
        page.fill("#throttle [name=seconds]", "600")
        page.locator("#throttle").get_by_role("button", name="Set").click()
        assert page.inner_text("#limit") == "1 calls in 600 seconds"
        assert page.input_value("#throttle [name=mode]") == "limit"
        client.get_key("invoices")
        with pytest.raises(HttpResponseError) as error:
            client.get_key("invoices")
        assert error.value.status_code == 429
        page.select_option("#throttle [name=mode]", "off")
        page.locator("#throttle").get_by_role("button", name="Set").click()
        assert page.inner_text("#limit") == "off"
        assert client.get_key("invoices").name == "invoices"

        page.uncheck("[name=allow-get]")
        page.get_by_role("button", name="Set permissions").click()
        assert page.is_checked("[name=allow-get]") is False
        page.fill("#clock [name=amount]", "3")
        page.get_by_role("button", name="Move", exact=True).click()
        assert "+3.00 days" in page.inner_text("#clock")
        assert vault.clock.offset == 3 * 86400
        context.close()
        assert complaints == []


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_its_window_and_follows_the_scheme(chromium: Any, width: int, scheme: str) -> None:
    with KeyVaultEmulator(ui=True, seed={"keys": [{"name": "a" * 60, "kty": "RSA"}]}) as vault:
        context = chromium.new_context(
            ignore_https_errors=True, color_scheme=scheme, viewport={"width": width, "height": 800}
        )
        page = context.new_page()
        page.goto(vault.ui_link)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(246, 248, 250)", "dark": "rgb(13, 17, 23)"}[scheme]
        context.close()
