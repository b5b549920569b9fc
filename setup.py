"""Build the azure-keyvault-keys distribution.

``python -m build`` makes the same bytes wherever, whenever and by whomever it is run, given the same Python and
setuptools.
"""

import gzip
import os
import re
import tarfile
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.sdist import sdist

HERE = Path(__file__).parent
# The time of every file in the archives, unless the environment says another. setuptools heeds it for the wheel.
EPOCH = int(os.environ.setdefault("SOURCE_DATE_EPOCH", "1735689600"))
# The modes of files in the wheel are those that they are written with.
os.umask(0o022)


class ReproducibleSdist(sdist):
    """An sdist without the times, owners and modes of the files that it was made from, which setuptools keeps."""

    def make_archive(self, base_name, format=None, root_dir=None, base_dir=None, owner=None, group=None):
        """Write the archive, and return its name."""
        name = f"{base_name}.tar.gz"
        with (
            open(name, "wb") as file,
            gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=EPOCH) as compressed,
            tarfile.open(fileobj=compressed, mode="w") as archive,
        ):
            archive.add(base_dir, filter=_anonymous)
        return name


def _anonymous(member):
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    member.mtime = EPOCH
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


VERSION = re.search(r'VERSION = "([^"]+)"', (HERE / "azure/keyvault/keys/_version.py").read_text("utf-8")).group(1)


def _described():
    """Return the README for a page of an index, where links to other files of the source lead nowhere."""
    text = (HERE / "README.md").read_text("utf-8")
    text = re.sub(r"^<picture>.*?</picture>\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^!\[[^\]]*\]\((?!https:)[^)]*\)\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\[([^\]]+)\]\((?!https:|#)[^)]*\)", r"\1", text)


setup(
    cmdclass={"sdist": ReproducibleSdist},
    name="azure-keyvault-keys",
    version=VERSION,
    description="Independent client library for Azure Key Vault and Managed HSM keys, with an emulator",
    long_description=_described(),
    long_description_content_type="text/markdown",
    author="The azure-keyvault-keys contributors",
    license_expression="MIT",
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
        "Topic :: Security :: Cryptography",
        "Typing :: Typed",
    ],
    # Namespace packages (PEP 420): azure/ and azure/keyvault/ hold no __init__.py, so that the
    # distribution installs beside every other azure-* package.
    packages=find_namespace_packages(include=["azure.keyvault.keys", "azure.keyvault.keys.*"]),
    package_data={"azure.keyvault.keys": ["py.typed"]},
    python_requires=">=3.10",
    # A floor is the oldest release that keeps this library's promises, and no higher, so that the package resolves
    # beside azure-cli and boto3: azure-cli-core 2.91 takes azure-core 1.39 alone, botocore any urllib3 2 but 2.2.0,
    # and msrest requests 2.x. Where only a newer release would bound what is read (urllib3 2.8), this library counts
    # itself. There are no upper bounds. azure-cli itself pins one release of a distribution that has the name of this
    # one, which has to be installed over it with "pip install --no-deps".
    install_requires=[
        # Pipeline, transports, exceptions and the credential protocols.
        "azure-core>=1.37.0",
        # Local RSA, EC and AES operations. Release 44 panics on some malformed keys, with an error that is no
        # Exception; 45.0.0 was withdrawn.
        "cryptography>=45.0.1",
        # Connections of the synchronous clients. What is read is bounded by this library itself, so that no release of
        # urllib3 2 that programs may be bound to (botocore excludes 2.2.0 alone) has to be excluded.
        "urllib3>=2.2.2",
        # The transport of callers who bring a session of their own; azure-core admits any release. Below 2.32.3 the TLS
        # settings of a call are ignored once a connection is open.
        "requests>=2.32.3",
        # The authorities that are trusted beside the system's.
        "certifi>=2024.7.4",
        # Serialisation and validation of the REST models in azure/keyvault/keys/_generated.
        "msrest>=0.7.1",
    ],
    extras_require={
        # The transport of the asyncio clients. Older releases read trailers and the lines between chunks without end.
        "aio": ["aiohttp>=3.13.4"],
        # The local emulator: its HTTPS server, and the throw-away certificate authority it serves with.
        "emulator": ["aiohttp>=3.13.4", "trustme>=1.2.0"],
        # Keys of a vault in JOSE libraries: JSON Web Tokens, JWK Sets, assertions for Microsoft Entra ID.
        "jose": ["joserfc>=1.5.0"],
        # Encrypted Parquet files and datasets. Release 22 is the first with wheels for Python 3.14.
        "parquet": ["pyarrow>=22.0.0"],
        # Envelope encryption, and the progress bar of its command line.
        "tink": ["tink>=1.16.0", "rich>=13.9.4"],
        # The SSH agent, which signs in with DefaultAzureCredential.
        "ssh-agent": ["azure-identity>=1.18.0"],
    },
)
