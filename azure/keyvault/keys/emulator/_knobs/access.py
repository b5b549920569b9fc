"""Access control: denied permissions, the firewall, and demands for fresh claims. All can change while serving."""

from __future__ import annotations

import time
from typing import Any

from .._errors import ServiceError
from .._origins import REGION, Origin

#: The key permissions of access policies, and the corresponding actions of roles.
PERMISSIONS: dict[str, str] = {
    "get": "read",
    "list": "read",
    "update": "update/action",
    "create": "create/action",
    "import": "import/action",
    "delete": "delete",
    "recover": "recover/action",
    "backup": "backup/action",
    "restore": "restore/action",
    "encrypt": "encrypt/action",
    "decrypt": "decrypt/action",
    "wrapKey": "wrap/action",
    "unwrapKey": "unwrap/action",
    "sign": "sign/action",
    "verify": "verify/action",
    "purge": "purge/action",
    "release": "release/action",
    "rotate": "rotate/action",
    "getrotationpolicy": "rotationpolicy/read",
    "setrotationpolicy": "rotationpolicy/write",
}


class Permissions:
    """The permissions of the emulator's only caller: ``vault.permissions``. Initially everything is allowed.

    :ivar rbac: word refusals as role-based access control does, instead of as access policies do.
    :ivar firewall: refuse every call as network rules do.
    """

    def __init__(self, client_id: str) -> None:
        self.rbac = False
        self.firewall = False
        self._client_id = client_id
        self._denied: set[str] = set()

    def __repr__(self) -> str:
        denied = f"without {', '.join(sorted(self._denied))}" if self._denied else "all"
        return f"<{type(self).__name__} [{denied}] rbac={self.rbac}, firewall={self.firewall}>"

    def deny(self, *names: str) -> None:
        """Take permissions away.

        :param names: key permissions of access policies, such as ``get`` or ``wrapKey``.
        :raises ValueError: if a name is not a permission.
        """
        unknown = set(names) - set(PERMISSIONS)
        if unknown:
            raise ValueError(
                f"not a permission: {', '.join(sorted(unknown))}; the permissions are {', '.join(PERMISSIONS)}"
            )
        self._denied.update(names)

    def allow(self, *names: str) -> None:
        """Give permissions back.

        :param names: as in :meth:`deny`; without names, all permissions.
        """
        self._denied.difference_update(names or PERMISSIONS)

    def reset(self) -> None:
        """Allow everything again, and word refusals as access policies do."""
        self.rbac = self.firewall = False
        self._denied.clear()

    def _denies(self, permission: str) -> bool:
        """Return whether a permission is denied."""
        return permission in self._denied

    def _check(self, permission: str, origin: Origin, issuer: str) -> None:
        """Refuse what is denied.

        :raises ServiceError: 403.
        """
        if permission in self._denied:
            refusal = self._by_rbac if self.rbac else self._by_policy
            raise refusal(permission, origin, issuer)

    def _check_firewall(self, address: str) -> None:
        """Refuse everything while the firewall is up.

        :raises ServiceError: 403.
        """
        if self.firewall:
            raise ServiceError(
                403,
                "Forbidden",
                "Client address is not authorized and caller is not a trusted service.\r\n"
                f"Client address: {address}\r\nCaller: appid={self._client_id}\r\n",
                "ForbiddenByFirewall",
            )

    def _by_policy(self, permission: str, origin: Origin, issuer: str) -> ServiceError:
        caller = f"appid={self._client_id};oid={self._client_id};numgroups=0;iss={issuer}"
        return ServiceError(
            403,
            "Forbidden",
            f"The user, group or application '{caller}' does not have keys {permission} permission on key vault "
            f"'{origin.vault_name};location={REGION}'. For help resolving this issue, please see "
            "https://go.microsoft.com/fwlink/?linkid=2125287",
            "ForbiddenByPolicy",
        )

    def _by_rbac(self, permission: str, origin: Origin, issuer: str) -> ServiceError:
        return ServiceError(
            403,
            "Forbidden",
            "Caller is not authorized to perform action on resource.\r\n"
            "If role assignments, deny assignments or role definitions were changed recently, please observe "
            f"propagation time.\r\nCaller: appid={self._client_id};oid={self._client_id};iss={issuer}\r\n"
            f"Action: 'Microsoft.KeyVault/vaults/keys/{PERMISSIONS[permission]}'\r\n"
            f"Resource: '/subscriptions/local/providers/microsoft.keyvault/vaults/{origin.vault_name}'\r\n"
            "Assignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\n"
            f"Vault: {origin.vault_name};location={REGION}\r\n",
            "ForbiddenByRbac",
        )


class ClaimsDemand:
    """Continuous access evaluation: ``vault.claims``. It decides how many of the next calls get a claims challenge."""

    def __init__(self) -> None:
        self._times = 0
        self._claims: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self._times} more times]>"

    def demand(self, times: int = 1, claims: dict[str, Any] | None = None) -> None:
        """Challenge the next authorised calls, regardless of their tokens.

        :param times: the number of calls; 0 stops challenging.
        :param claims: the claims to demand; a fresh ``nbf`` if None.
        """
        self._claims = claims or fresh_claims()
        self._times = times

    def _take(self) -> dict[str, Any] | None:
        """Return the claims to demand of this call, or None."""
        if self._times <= 0:
            return None
        self._times -= 1
        return self._claims


def fresh_claims() -> dict[str, Any]:
    """Return the claims that demand a token issued from now on."""
    return {"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}}
