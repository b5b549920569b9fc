"""From a request for the root to the page: check the session, carry out the form, render the page."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl

from .._errors import FrontEndError, ServiceError
from .._messages import Inbound, Reply
from .._origins import Origin
from .._service import Service
from .actions import Form, perform
from .guard import Guard, Session
from .page import Page, closed_page
from .style import CSS_HASH

_LOGGER = logging.getLogger(__name__)
_MOST_FORM_BYTES = 64 * 1024
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{CSS_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Hides the link from other sites, but lets forms send their origin.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_CLOSED = "Open the link that the emulator printed when it started. It works once, in one browser."
_USED = "This link has already been used. The emulator has printed a new one."


class Console:
    """Answers requests for the page of a server."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._guard = Guard()

    def link(self) -> str:
        """Return a link that opens the page once."""
        # Whatever its name on a network, the user who started it reaches it as localhost, even through a mapped port.
        origin = self._service.origins.of(f"localhost:{self._service.origins.default.port}")
        return f"{origin.url}/?token={self._guard.new_link_token()}"

    async def answer(self, request: Inbound) -> Reply | None:
        """Return the answer, or None if the request is not for the page."""
        if request.path != "/":
            return None
        # An unknown host name that resolves to this machine may belong to another site (DNS rebinding).
        origin = self._service.origins.known(request.headers.get("Host", ""))
        if origin is None:
            return _page(421, closed_page("The emulator does not answer to this host name."))
        session = self._guard.session(request.headers.get("Cookie", ""), _cookie_name(origin))
        if request.method == "GET":
            return self._shown(request, origin, session)
        if request.method == "POST":
            return await self._done(request, origin, session)
        return _page(405, closed_page("Use GET or POST."), {"Allow": "GET, POST"})

    def _shown(self, request: Inbound, origin: Origin, session: Session | None) -> Reply:
        query = request.query_values()
        if "token" in query:
            return self._opened(query["token"], origin)
        if session is None:
            return _page(403, closed_page(_CLOSED))
        name = query.get("vault", "")
        service = self._vault(name)
        if service is None:
            return _page(404, closed_page("There is no such vault."))
        content = Page(self._service, service, name, session).render()
        session.message = ""
        return _page(200, content)

    def _opened(self, token: str, origin: Origin) -> Reply:
        cookie = self._guard.redeem(token)
        if cookie is not None:
            value = f"{_cookie_name(origin)}={cookie}; Path=/; Secure; HttpOnly; SameSite=Strict"
            return _redirect("/", {"Set-Cookie": value})
        if self._guard.was_used(token):
            _LOGGER.warning("The link to the web page has already been used. A new one: %s", self.link())
            return _page(403, closed_page(_USED))
        return _page(403, closed_page(_CLOSED))

    async def _done(self, request: Inbound, origin: Origin, session: Session | None) -> Reply:
        if session is None or not _is_from_here(request, origin):
            return _page(403, closed_page(_CLOSED))
        try:
            body = await request.read()
        except ServiceError as error:
            return _page(error.status, closed_page("The form is too large or incomplete."))
        pairs = parse_qsl(body[:_MOST_FORM_BYTES].decode("utf-8", "replace"), keep_blank_values=True)
        form = Form(dict(pairs), frozenset(name for name, value in pairs if value == "on"))
        if len(body) > _MOST_FORM_BYTES or not session.admits(form.values.get("form_token", "")):
            return _page(403, closed_page("This form is out of date. Open the page again."))
        name = form.values.get("vault", "")
        service = self._vault(name)
        if service is None:
            return _page(404, closed_page("There is no such vault."))
        session.message = await _performed(service, form)
        return _redirect(f"/?vault={name}" if name else "/", {})

    def _vault(self, name: str) -> Service | None:
        return self._service.others.get(name) if name else self._service


async def _performed(service: Service, form: Form) -> str:
    try:
        return await perform(service, form.values.get("action", ""), form)
    except ServiceError as error:
        return f"{error.status} {error.code}: {error.message.strip()}"
    except (ValueError, FrontEndError) as error:
        return f"Not done: {error}"


def _cookie_name(origin: Origin) -> str:
    """Return the name of the cookie. It contains the port because browsers share cookies between ports."""
    return f"__Host-emulator-{origin.port}"


def _is_from_here(request: Inbound, origin: Origin) -> bool:
    """Return whether a form comes from the page itself, as far as the browser says."""
    site, sender = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    return site in (None, "same-origin") and sender in (None, origin.url)


def _page(status: int, content: bytes, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, content, {**_HEADERS, **(headers or {})}, "text/html; charset=utf-8")


def _redirect(location: str, headers: dict[str, str]) -> Reply:
    return Reply(303, b"", {**_HEADERS, "Location": location, **headers}, None)
