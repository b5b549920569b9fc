"""The enums: names and values of 4.x, and how they are found."""

from __future__ import annotations

from enum import Enum

import pytest
from azure.core import CaseInsensitiveEnumMeta

from azure.keyvault.keys._enums import (
    KeyCurveName,
    KeyExportEncryptionAlgorithm,
    KeyOperation,
    KeyRotationPolicyAction,
    KeyType,
)
from azure.keyvault.keys.crypto._enums import (
    EncryptionAlgorithm,
    KeySecureWrapAlgorithm,
    KeyWrapAlgorithm,
    SignatureAlgorithm,
)

ENUMS: dict[type[Enum], str] = {
    KeyType: "ec=EC ec_hsm=EC-HSM rsa=RSA rsa_hsm=RSA-HSM oct=oct oct_hsm=oct-HSM akp=AKP akp_hsm=AKP-HSM",
    KeyCurveName: "p_256=P-256 p_384=P-384 p_521=P-521 p_256_k=P-256K",
    KeyExportEncryptionAlgorithm: (
        "ckm_rsa_aes_key_wrap=CKM_RSA_AES_KEY_WRAP rsa_aes_key_wrap_256=RSA_AES_KEY_WRAP_256 "
        "rsa_aes_key_wrap_384=RSA_AES_KEY_WRAP_384"
    ),
    KeyOperation: (
        "encrypt=encrypt decrypt=decrypt import_key=import sign=sign verify=verify wrap_key=wrapKey "
        "unwrap_key=unwrapKey export=export derive_key=deriveKey secure_wrap_key=secureWrapKey "
        "secure_unwrap_key=secureUnwrapKey"
    ),
    KeyRotationPolicyAction: "rotate=Rotate notify=Notify",
    EncryptionAlgorithm: (
        "rsa_oaep=RSA-OAEP rsa_oaep_256=RSA-OAEP-256 rsa1_5=RSA1_5 a128_gcm=A128GCM a192_gcm=A192GCM "
        "a256_gcm=A256GCM a128_cbc=A128CBC a192_cbc=A192CBC a256_cbc=A256CBC a128_cbcpad=A128CBCPAD "
        "a192_cbcpad=A192CBCPAD a256_cbcpad=A256CBCPAD a128_cbc_hs256=A128CBC-HS256 a192_cbc_hs384=A192CBC-HS384 "
        "a256_cbc_hs512=A256CBC-HS512"
    ),
    KeyWrapAlgorithm: (
        "aes_128=A128KW aes_192=A192KW aes_256=A256KW rsa_oaep=RSA-OAEP rsa_oaep_256=RSA-OAEP-256 rsa1_5=RSA1_5 "
        "ckm_aes_key_wrap=CKM_AES_KEY_WRAP ckm_aes_key_wrap_pad=CKM_AES_KEY_WRAP_PAD"
    ),
    SignatureAlgorithm: (
        "ps256=PS256 ps384=PS384 ps512=PS512 rs256=RS256 rs384=RS384 rs512=RS512 es256=ES256 es384=ES384 es512=ES512 "
        "es256_k=ES256K hs256=HS256 hs384=HS384 hs512=HS512 ml_dsa_44=ML-DSA-44 ml_dsa_65=ML-DSA-65 ml_dsa_87=ML-DSA-87"
    ),
    KeySecureWrapAlgorithm: (
        "rsa_oaep_256=RSA-OAEP-256 aes_128=A128KW aes_192=A192KW aes_256=A256KW aes_128_pad=A128KWPAD "
        "aes_192_pad=A192KWPAD aes_256_pad=A256KWPAD ckm_aes_key_wrap=CKM_AES_KEY_WRAP "
        "ckm_aes_key_wrap_pad=CKM_AES_KEY_WRAP_PAD"
    ),
}

every_enum = pytest.mark.parametrize("enum", list(ENUMS), ids=lambda enum: enum.__name__)


@every_enum
def test_members_are_those_of_4_x_and_what_the_service_has_besides(enum: type[Enum]) -> None:
    assert " ".join(f"{member.name}={member.value}" for member in enum) == ENUMS[enum]


@every_enum
def test_metaclass_is_that_of_azure_core(enum: type[Enum]) -> None:
    assert isinstance(enum, CaseInsensitiveEnumMeta)


@every_enum
def test_member_is_found_by_name_in_any_case(enum: type[Enum]) -> None:
    for member in enum:
        assert enum[member.name] is enum[member.name.upper()] is getattr(enum, member.name.upper()) is member


@every_enum
def test_unknown_name_is_refused(enum: type[Enum]) -> None:
    with pytest.raises(KeyError):
        enum["no_such_member"]
    with pytest.raises(AttributeError):
        getattr(enum, "no_such_member")  # noqa: B009 (mypy knows that there is none)


@pytest.mark.case("M5")
@every_enum
def test_member_equals_and_hashes_as_its_value(enum: type[Enum]) -> None:
    for member in enum:
        assert member == member.value
        assert {member.value: 1}[member] == 1


@pytest.mark.case("E9")
@pytest.mark.parametrize("enum", [KeyType, KeyRotationPolicyAction])
def test_member_is_found_by_value_in_any_case(enum: type[Enum]) -> None:
    for member in enum:
        assert enum(member.value.upper()) is enum(member.value.lower()) is enum(member.value.title()) is member
    with pytest.raises(ValueError, match="no such value"):
        enum("no such value")
    with pytest.raises(ValueError, match="7"):
        enum(7)
