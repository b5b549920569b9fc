"""The page as HTML."""

from __future__ import annotations

from collections.abc import Iterable

from .._knobs.access import PERMISSIONS
from .._service import Service
from . import snapshot
from .actions import FAULTS, METHODS, THROTTLES
from .guard import Session
from .markup import Markup, fill, join
from .style import CSS

_MOST_REQUESTS = 50
_MOST_EVENTS = 20
_NOTHING = Markup('<p class="dim">None.</p>')
_CLASSES = {"enabled": "good", "expired": "bad", "disabled": "warn", "not yet valid": "warn"}


def document(title: str, body: Markup) -> bytes:
    """Return a whole page."""
    return fill(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><style>{css}</style></head>'
        "<body>{body}</body></html>",
        title=title,
        css=Markup(CSS),
        body=body,
    ).encode()


def closed_page(text: str) -> bytes:
    """Return the page for visitors without access."""
    body = fill("<main><section><h1>Key Vault emulator</h1><p>{text}</p></section></main>", text=text)
    return document("Key Vault emulator", body)


class Page:
    """A vault as a session sees it.

    :param name: the name of the vault in the query; empty for the first one.
    """

    def __init__(self, main: Service, service: Service, name: str, session: Session) -> None:
        self._main, self._service, self._name, self._session = main, service, name, session

    def render(self) -> bytes:
        """Return the page."""
        message = self._session.message
        body = fill(
            "{header}<main>{vaults}{message}{keys}{deleted}{requests}"
            '<div class="columns"><div>{faults}{throttle}</div>{clock}</div>{permissions}</main>',
            header=self._header(),
            vaults=self._vaults(),
            message=fill('<p class="message" role="status">{text}</p>', text=message) if message else Markup(""),
            keys=self._keys(),
            deleted=self._deleted(),
            requests=self._requests(),
            faults=self._faults(),
            throttle=self._throttle(),
            clock=self._clock(),
            permissions=self._permissions(),
        )
        return document("Key Vault emulator", body)

    def _header(self) -> Markup:
        kind = "Managed HSM" if self._service.kind.is_hsm else "Vault"
        return fill(
            "<header><h1>Key Vault emulator</h1><span>{kind} <code>{url}</code></span>"
            '<span class="dim">for development and tests only</span><a href="{here}">Refresh</a></header>',
            kind=kind,
            url=self._service.origins.default.url,
            here=self._here(),
        )

    def _here(self) -> str:
        return f"/?vault={self._name}" if self._name else "/"

    def _vaults(self) -> Markup:
        if not self._main.others:
            return Markup("")
        links = [("", "first vault"), *((name, name) for name in self._main.others)]
        return fill(
            '<nav aria-label="Vaults">{links}</nav>',
            links=join(
                fill(
                    '<a href="{url}"{current}>{text}</a>',
                    url=f"/?vault={name}" if name else "/",
                    current=Markup(' aria-current="page"') if name == self._name else Markup(""),
                    text=text,
                )
                for name, text in links
            ),
        )

    def _form(self, action: str, content: Markup, classes: str = "") -> Markup:
        return fill(
            '<form method="post" action="/" class="{classes}"><input type="hidden" name="form_token" value="{token}">'
            '<input type="hidden" name="vault" value="{vault}"><input type="hidden" name="action" value="{action}">'
            "{content}</form>",
            classes=classes,
            token=self._session.form_token,
            vault=self._name,
            action=action,
            content=content,
        )

    def _button(self, action: str, text: str, field: str = "", value: str = "", *, danger: bool = False) -> Markup:
        hidden = (
            fill('<input type="hidden" name="{field}" value="{value}">', field=field, value=value)
            if field
            else Markup("")
        )
        button = fill(
            '{hidden}<button{danger} aria-label="{label}">{text}</button>',
            hidden=hidden,
            danger=Markup(' class="danger"') if danger else Markup(""),
            label=f"{text} {value}".strip() if field == "key" else text,
            text=text,
        )
        return self._form(action, button, "inline")

    def _keys(self) -> Markup:
        rows = [self._key_row(row) for row in snapshot.live_rows(self._service)]
        heads = ("Name", "", "Type", "State", "Expires (UTC)", "Rotation policy", "Tags")
        return _section("keys", f"Keys ({len(rows)})", _table(heads, rows))

    def _key_row(self, row: snapshot.KeyRow) -> Markup:
        buttons = [
            self._button("rotate", "Rotate", "key", row.name),
            self._button("delete", "Delete", "key", row.name, danger=True),
        ]
        number = len(row.versions)
        return fill(
            '<tr class="open" id="key-{name}"><td class="name"><strong>{name}</strong></td>'
            '<td class="tight">{buttons}</td><td class="tight">{type}</td><td class="tight {state_class}">{state}</td>'
            '<td class="tight">{expires}</td>'
            '<td class="wide">{policy}</td><td class="dim tags">{tags}</td></tr>'
            '<tr><td colspan="7"><details id="versions-{name}"><summary class="dim">{number}</summary>{versions}'
            "</details></td></tr>",
            name=row.name,
            buttons=join(buttons),
            type=row.type,
            state_class=_CLASSES.get(row.state, "warn"),
            state=row.state,
            expires=row.expires,
            policy=row.policy,
            tags=row.tags,
            number="1 version" if number == 1 else f"{number} versions",
            versions=_versions(row.versions),
        )

    def _deleted(self) -> Markup:
        rows = []
        for row in snapshot.deleted_rows(self._service):
            buttons = [
                self._button("recover", "Recover", "key", row.name),
                self._button("purge", "Purge", "key", row.name, danger=True),
            ]
            rows.append(
                fill(
                    '<tr id="deleted-{name}"><td class="name"><strong>{name}</strong></td>'
                    '<td class="tight">{buttons}</td><td class="tight">{type}</td>'
                    '<td class="tight">{deleted}</td><td class="tight">{purged}</td></tr>',
                    name=row.name,
                    type=row.type,
                    deleted=row.deleted,
                    purged=row.purged,
                    buttons=join(buttons) if row.settled else Markup('<span class="dim">being deleted</span>'),
                )
            )
        heads = ("Name", "", "Type", "Deleted (UTC)", "To be purged (UTC)")
        return _section("deleted", f"Deleted keys ({len(rows)})", _table(heads, rows))

    def _requests(self) -> Markup:
        rows = [
            fill(
                '<tr><td class="tight mono">{at}</td><td class="tight {status_class}">{status}</td>'
                '<td class="mono">{method}</td><td class="path mono">{path}</td><td class="tight">{time}</td></tr>',
                at=snapshot.when(request.at),
                method=request.method,
                path=request.path,
                status_class="good" if (request.status or 599) < 400 else "bad",
                status=request.status or "no response",
                time="" if request.seconds is None else f"{request.seconds * 1000:.1f} ms",
            )
            for request in self._service.requests[-_MOST_REQUESTS:][::-1]
        ]
        return _section(
            "requests", "Latest requests", _table(("Time (UTC)", "Status", "Method", "Path", "Duration"), rows)
        )

    def _faults(self) -> Markup:
        rows = [
            fill(
                "<tr><td>{what}</td><td>{whom}</td><td>{times}</td><td>{button}</td></tr>",
                what=snapshot.fault_text(fault),
                whom=snapshot.fault_filter_text(fault),
                times="always" if fault.times is None else f"{fault.times} more",
                button=self._button("end-fault", "Remove", "fault", identifier),
            )
            for identifier, fault in self._service.faults._active()
        ]
        fields = fill(
            '<div class="fields"><label>Fault<select name="kind">{kinds}</select></label>'
            '<label>Number<input name="number" type="number" min="0" step="any" placeholder="503 or 1"></label>'
            '<label>Times, 0 for always<input name="times" type="number" min="0" value="1"></label>'
            '<label>Method<select name="method">{methods}</select></label>'
            '<label>Path (regular expression)<input name="path" placeholder="^/keys"></label>'
            "<button>Inject</button></div>",
            kinds=join(_option(kind, text) for kind, text in FAULTS.items()),
            methods=join(_option(method, method or "any") for method in METHODS),
        )
        form = self._form("inject", fields)
        return _section("faults", "Faults", join([_table(("Fault", "Calls", "Times", ""), rows), Markup("<br>"), form]))

    def _throttle(self) -> Markup:
        throttle = self._service.throttle
        mode_now = "off" if not throttle.is_on else "documented" if throttle._counts_by_class else "limit"
        fields = fill(
            '<div class="fields"><label>Limit<select name="mode">{modes}</select></label>'
            '<label>Calls<input name="calls" type="number" min="1" placeholder="5"></label>'
            '<label>Seconds<input name="seconds" type="number" min="0" step="any" placeholder="10"></label>'
            '<label>Retry-After, if any<input name="retry_after" type="number" min="0"></label>'
            "<button>Set</button></div>",
            modes=join(_option(mode, text, chosen=mode == mode_now) for mode, text in THROTTLES.items()),
        )
        state = snapshot.throttle_text(throttle)
        text = fill('<p>Calls above the limit get 429. Now: <strong id="limit">{state}</strong>.</p>', state=state)
        return _section("throttle", "Throttling", join([text, self._form("throttle", fields)]))

    def _clock(self) -> Markup:
        clock = self._service.clock
        events = [
            fill(
                '<tr><td class="tight mono">{time}</td><td>{kind}</td><td>{name}</td></tr>',
                time=snapshot.when(event.time),
                kind=event.kind,
                name=event.name,
            )
            for event in self._service.events.all()[-_MOST_EVENTS:][::-1]
        ]
        fields = fill(
            '<div class="fields"><label>Move by<input name="amount" type="number" step="any" value="1"></label>'
            '<label>Unit<select name="unit">{units}</select></label><button>Move</button></div>',
            units=join(_option(unit, unit) for unit in ("days", "hours", "minutes")),
        )
        parts = [
            fill(
                '<p>Vault time: <strong class="mono" id="now">{now}</strong> UTC ({offset}).</p>',
                now=snapshot.when(clock.now()),
                offset=f"{clock.offset / 86400:+.2f} days from real time" if clock.offset else "real time",
            ),
            self._form("advance", fields),
            fill("<p>{button}{reset}</p>", button=self._button("now", "Back to real time"),
                 reset=self._button("reset", "Restore all settings")),
            Markup("<h2>Events</h2>"),
            _table(("Due (UTC)", "Event", "Key"), events),
        ]  # fmt: skip
        return _section("clock", "Clock", join(parts))

    def _permissions(self) -> Markup:
        permissions = self._service.permissions
        checks = [_check(f"allow-{name}", name, checked=not permissions._denies(name)) for name in PERMISSIONS]
        knobs = [
            _check("firewall", "firewall: reject every call", checked=permissions.firewall),
            _check("rbac", "role-based access control in error texts", checked=permissions.rbac),
        ]
        form = self._form(
            "permissions",
            fill(
                '<p class="dim">Permissions that are not ticked are denied.</p><div class="checks">{checks}</div>'
                '<div class="checks">{knobs}</div><button>Set permissions</button>',
                checks=join(checks),
                knobs=join(knobs),
            ),
        )
        buttons = [
            self._button("claims", "Challenge the next call for claims"),
            self._button("revoke", "Revoke all tokens"),
        ]
        return _section(
            "permissions", "Permissions and tokens", fill("{form}<p>{more}</p>", form=form, more=join(buttons))
        )


def _versions(rows: Iterable[snapshot.VersionRow]) -> Markup:
    heads = ("Version", "Created (UTC)", "Expires (UTC)", "State", "Operations")
    return _table(
        heads,
        [
            fill(
                '<tr><td class="mono">{version}</td><td class="tight">{created}</td><td class="tight">{expires}</td>'
                "<td>{state}</td><td>{key_ops}</td></tr>",
                version=row.version,
                created=row.created,
                expires=row.expires,
                state=row.state,
                key_ops=row.key_ops,
            )
            for row in rows
        ],
    )


def _section(name: str, title: str, content: Markup) -> Markup:
    return fill('<section id="{name}"><h2>{title}</h2>{content}</section>', name=name, title=title, content=content)


def _table(heads: Iterable[str], rows: list[Markup]) -> Markup:
    if not rows:
        return _NOTHING
    return fill(
        '<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>',
        heads=join(fill("<th>{head}</th>", head=head) for head in heads),
        rows=join(rows),
    )


def _option(value: str, text: str, *, chosen: bool = False) -> Markup:
    selected = Markup(" selected") if chosen else Markup("")
    return fill('<option value="{value}"{selected}>{text}</option>', value=value, selected=selected, text=text)


def _check(name: str, text: str, *, checked: bool) -> Markup:
    return fill(
        '<label class="check"><input type="checkbox" name="{name}"{checked}>{text}</label>',
        name=name,
        checked=Markup(" checked") if checked else Markup(""),
        text=text,
    )
