"""One vault as a client sees it: sends operations through a pipeline. Sync and async differ only in ``await``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from azure.core.configuration import Configuration
from azure.core.pipeline import Pipeline, PipelineResponse
from azure.core.rest import HttpRequest, HttpResponse

from .._compatibility import transport_of
from .._generated.operations import Operation
from .auth.policy import ChallengeAuthPolicy
from .fork import ForkLock
from .pipeline.call import with_deadline
from .pipeline.deadline import DeadlinePolicy
from .pipeline.group import VaultPipeline
from .pipeline.keywords import check_client
from .pipeline.order import PipelineClasses, build_pipeline, configure
from .pipeline.redirects import SameOriginRedirectPolicy
from .pipeline.retry import KeyVaultRetryPolicy
from .recipe import SHARED, Recipe, read, recipe_of
from .sockets.tls import CONNECTION_TIMEOUT
from .transport.request_body import with_whole_body
from .wire.translation import Wire

T = TypeVar("T")


def _transport(**kwargs: Any) -> Any:
    if kwargs.get("session") is not None:  # of requests, which is loaded for nobody else
        from azure.core.pipeline.transport import RequestsTransport

        return RequestsTransport(**{"connection_timeout": CONNECTION_TIMEOUT, **kwargs})
    from .transport.transport import VaultTransport

    return VaultTransport(**kwargs)


PIPELINE_CLASSES = PipelineClasses(
    pipeline=VaultPipeline,
    transport=_transport,
    authentication=ChallengeAuthPolicy,
    redirects=SameOriginRedirectPolicy,
    retries=KeyVaultRetryPolicy,
    deadlines=DeadlinePolicy,
)


class VaultConnection:
    """Sends operations to one vault and returns their results.

    :param wire: the vault's URL and API version.
    :param credential: provides the tokens.
    :param config: the policies, when they were made beforehand.
    :param prepared: whether to build the pipeline now, which reports mistakes early, or when it is first used.
    :param kind: the class of the client, for messages about unknown keywords.
    :param kwargs: the settings of the pipeline.
    :ivar has_own_policies: whether the caller's own policies may read options that this library does not know.
    """

    def __init__(
        self,
        wire: Wire,
        credential: Any,
        *,
        config: Any = None,
        prepared: bool = True,
        kind: str = "KeyClient",
        **kwargs: Any,
    ) -> None:
        if config is not None and not isinstance(config, Configuration):
            raise TypeError(f"config must be what create_config returns, not {type(config).__name__}")
        self.wire = wire
        self._credential = credential
        self._config = config
        self._settings = kwargs
        self.has_own_policies = check_client(kind, kwargs) or config is not None
        self._built: Pipeline[Any, Any] | None = None
        self._closed = False
        self._kind = kind
        self._is_shared = False
        self._recipe: Recipe | None = None
        self._lock = ForkLock()
        if prepared:
            self._pipeline  # noqa: B018  # builds it

    def recipe(self) -> Recipe:
        """Return what another process needs to recreate the connection.

        :raises TypeError: when an option or the credential cannot be pickled.
        """
        if self._recipe is None:
            wire = (self.wire.vault_url, self.wire.api_version, self.wire.aliased)
            self._recipe = recipe_of(
                f"this {self._kind}", self._credential, config=self._config, options=self._settings, wire=wire
            )
        return self._recipe

    @classmethod
    def of_recipe(cls, recipe: Recipe) -> VaultConnection:
        """Return the connection that a recipe describes, the same one for everybody in this process."""
        return SHARED.get((cls, recipe), lambda: cls._made_of(recipe))

    @classmethod
    def _made_of(cls, recipe: Recipe) -> VaultConnection:
        parts = read(recipe)
        vault_url, api_version, aliased = parts["wire"]
        wire = Wire(vault_url, api_version, aliased=aliased)
        connection = cls(wire, parts["credential"], prepared=False, **parts["options"])
        connection._recipe, connection._is_shared = recipe, True
        return connection

    @property
    def _pipeline(self) -> Pipeline[Any, Any]:
        if self._closed:
            raise ValueError("This client is closed: create another one")
        if self._built is None:
            with self._lock.current:
                if self._built is None:
                    self._built = self._build()
        return self._built

    def _build(self) -> Pipeline[Any, Any]:
        config = self._config or configure(PIPELINE_CLASSES, self._credential, **self._settings)
        return build_pipeline(PIPELINE_CLASSES, self.wire.vault_url, config, **self._settings)  # type: ignore[no-any-return]

    def send(self, operation: Operation[T], **options: Any) -> T:
        """Send an operation; ``options`` are azure-core's options of a call, with ``cls`` and ``error_map``."""
        return self._run(operation, self.wire.request(operation), **options)

    def send_link(self, operation: Operation[T], link: str, **options: Any) -> T:
        """Send the request for the page that a ``nextLink`` leads to."""
        return self._run(operation, self.wire.link(operation, link), **options)

    def _run(
        self, operation: Operation[T], request: HttpRequest, *, cls: Any = None, error_map: Any = None, **options: Any
    ) -> T:
        options.setdefault("repeatable", operation.repeatable)
        response: PipelineResponse[Any, Any] = self._pipeline.run(request, stream=False, **options)
        result = self.wire.result(operation, response, error_map)
        return cls(response, result, {}) if cls else result

    def send_request(self, request: HttpRequest, *, stream: bool = False, **options: Any) -> HttpResponse:
        """Send a caller's own request; return the response unchanged, errors included."""
        request = with_whole_body(self.wire.absolute(request))
        response = self._pipeline.run(request, stream=stream, **options)
        return response.http_response  # type: ignore[no-any-return]

    def open(self) -> None:
        """Open the transport."""
        self._pipeline.__enter__()

    def close(self) -> None:
        """Close the transport even if it was never used, unless the process shares it: others may use it."""
        if self._is_shared:
            return
        unused = None if self._closed or self._built is not None else self._settings.get("transport")
        self._closed = True
        if self._built is not None:
            self._built.__exit__()
        elif unused is not None:
            unused.__exit__()

    def sleep(self, seconds: float) -> None:
        """Sleep, in the way that the transport does between attempts."""
        transport_of(self._pipeline).sleep(seconds)

    def within_timeout(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options that give several requests one common timeout."""
        policy = getattr(self._config, "call_policy", None)
        return with_deadline(options, policy.timeout if policy else self._settings.get("timeout"))
