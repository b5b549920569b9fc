"""Build the azure-keyvault-keys distribution."""

import re
from pathlib import Path

from setuptools import find_namespace_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'VERSION = "([^"]+)"', (HERE / "azure/keyvault/keys/_version.py").read_text("utf-8")).group(1)

setup(
    name="azure-keyvault-keys",
    version=VERSION,
    description="Client library for Azure Key Vault and Managed HSM keys",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    keywords="azure key vault keys managed hsm encryption signing jwk",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Topic :: Security :: Cryptography",
        "Typing :: Typed",
    ],
    # Namespace packages (PEP 420): azure/ and azure/keyvault/ hold no __init__.py, so that the
    # distribution installs beside every other azure-* package.
    packages=find_namespace_packages(include=["azure.keyvault.keys", "azure.keyvault.keys.*"]),
    package_data={"azure.keyvault.keys": ["py.typed"]},
    python_requires=">=3.10",
    install_requires=[
        # Pipeline, transports, exceptions and the credential protocols.
        "azure-core>=1.37.0",
        # Local RSA, EC and AES operations. Release 44 panics on some malformed keys, with an error that is no
        # Exception; 45.0.0 was withdrawn.
        "cryptography>=45.0.1",
        # Serialisation and validation of the REST models in azure/keyvault/keys/_generated.
        "msrest>=0.7.1",
    ],
    extras_require={
        # The transport of the asyncio clients (azure-core's AioHttpTransport).
        "aio": ["aiohttp>=3.10.0"],
        # The local emulator: its HTTPS server, and the throw-away certificate authority it serves with.
        "emulator": ["aiohttp>=3.10.0", "trustme>=1.2.0"],
    },
)
