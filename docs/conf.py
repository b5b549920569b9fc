"""Settings of Sphinx: ``python -m sphinx -W -n docs build/docs`` makes the documentation, without a network."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from enum import Enum
from types import ModuleType
from typing import Any, is_typeddict

from docutils import nodes
from sphinx.pycode import ModuleAnalyzer

import azure.keyvault.keys

project = "azure-keyvault-keys"
version = release = azure.keyvault.keys.__version__
project_copyright = author = "the azure-keyvault-keys contributors"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx", "sphinx.ext.viewcode"]
# What others document, as Debian's python3.11-doc and python-cryptography-doc have it: there may be no network.
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", "inventories/python.inv"),
    "cryptography": ("https://cryptography.io/en/latest", "inventories/cryptography.inv"),
}
html_static_path = ["_static"]
html_css_files = ["custom.css"]
exclude_patterns: list[str] = []
root_doc = "index"
html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
pygments_style = "friendly"

myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    "inherited-members": True,  # but see keep_our_own
}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

#: Where what a package exports is defined.
DEFINED_IN: dict[str, str] = {}
PACKAGES = [
    "azure.keyvault.keys",
    "azure.keyvault.keys.aio",
    "azure.keyvault.keys.crypto",
    "azure.keyvault.keys.crypto.aio",
    "azure.keyvault.keys.emulator",
    "azure.keyvault.keys.parquet",
    "azure.keyvault.keys.tink",
    "azure.keyvault.keys.tink.aio",
    "azure.keyvault.keys.jose",
    "azure.keyvault.keys.jose.aio",
    "azure.keyvault.keys.ssh_agent",
]
# What no extra brings, and a part of the library uses when it is there.
OPTIONAL = ["jwcrypto"]
# Where two clients have the name in a signature, the first is meant: the synchronous one.
suppress_warnings = ["ref.python"]
# Names of Python and of other packages cannot be looked up without a network. Those of this one must be found.
nitpick_ignore_regex = [
    ("py:.*", r"(azure\.core|collections|cryptography|datetime|joserfc|os|pathlib|ssl|typing|typing_extensions)\..*"),
    ("py:.*", r"(pyarrow|tink|aead|encryption)\..*"),
    # As the signatures of classes have them.
    (
        "py:class",
        r"(Async)?TokenCredential|(Async)?KeyPager|Configuration|Execution|Path|Unpack|datetime|timedelta|RSAKey|ECKey"
        r"|JWK|Certificate|PrivateKey|PublicKey",
    ),
    # What an awaited stream must have, which the docstrings say in words.
    ("py:class", r"azure\.keyvault\.keys\.tink\.aio\._files\.(AsyncReader|AsyncWriter|DrainedWriter)"),
    ("py:class", r"azure\.keyvault\.keys\._(polling\.T|paging\.(Async)?KeyPager)"),  # a type variable, and lists
    # The options of azure-core, which its own documentation tells of.
    ("py:.*", r"[\w.]*Keywords"),
    # Protocols of streams, which the docstrings describe in words.
    ("py:class", r"azure\.keyvault\.keys\.tink\.aio\._files\.\w+"),
    # Parts of the REST layer and of the emulator that nobody has to make.
    ("py:class", r"wire\.KeyAttributes|azure\.keyvault\.keys\.emulator\._(http\.Reply|faults\.Wire)"),
]


def resolve_annotations() -> None:
    """Import and name what modules do for type checkers only, so that annotations can be told in full."""
    waiting = []
    for found in pkgutil.walk_packages(azure.keyvault.keys.__path__, "azure.keyvault.keys."):
        if not found.name.endswith(("__main__", "pytest_plugin")):
            try:
                waiting.append(importlib.import_module(found.name))
            except ImportError as error:
                # A part whose extra is not installed reports its own name.
                if error.name not in OPTIONAL and not str(error.name).startswith("azure.keyvault.keys."):
                    raise
    while waiting:
        # Some name what others name for type checkers only: those come in a later round.
        again = [module for module in waiting if not _resolved(module)]
        if len(again) == len(waiting):
            raise ImportError(f"cannot resolve the annotations of {', '.join(module.__name__ for module in again)}")
        waiting = again


def _resolved(module: ModuleType) -> bool:
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            wanted = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
            names = ast.Module([part for part in node.body if isinstance(part, wanted) and not is_optional(part)], [])
            vars(module).update({name: Any for part in node.body if is_optional(part) for name in imported_by(part)})
            try:
                exec(compile(names, module.__name__, "exec"), vars(module))  # noqa: S102  # our own source
            except ImportError:
                return False
    return True


def is_optional(part: ast.stmt) -> bool:
    """Whether it imports from a package that need not be there."""
    return isinstance(part, ast.ImportFrom) and (part.module or "").partition(".")[0] in OPTIONAL


def imported_by(part: ast.stmt) -> list[str]:
    """Return the names that an import binds."""
    return [alias.asname or alias.name for alias in part.names] if isinstance(part, ast.ImportFrom) else []


def name_publicly() -> None:
    """Call everything public by the name that users import, not by that of the module that defines it."""
    for package in PACKAGES:
        public = ModuleAnalyzer.for_module(package)
        public.analyze()
        for name in sys.modules[package].__all__:
            thing = getattr(sys.modules[package], name)
            if thing.__module__.startswith(f"{package}._"):
                # Sphinx looks there for the order of members, and for what is written about those of enumerations.
                source = ModuleAnalyzer.for_module(thing.__module__)
                source.analyze()
                public.attr_docs |= {owned: text for owned, text in source.attr_docs.items() if owned[0] == name}
                public.tagorder |= {tag: order for tag, order in source.tagorder.items() if tag.startswith(f"{name}.")}
                DEFINED_IN[f"{package}.{name}"] = thing.__module__
                thing.__module__ = package
                if is_typeddict(thing):
                    # Sphinx would show that of dict, which it cannot read on Python 3.13.
                    thing.__signature__ = inspect.Signature()


def keep_our_own(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what classes inherit from Python and from other packages; tell of every member of an enumeration."""
    if isinstance(thing, Enum):
        return False
    function = getattr(thing, "fget", None) or getattr(thing, "__func__", None) or thing
    module = getattr(function, "__module__", None)
    if what == "class" and callable(function) and (module is None or not module.startswith("azure.keyvault.")):
        return True
    return None


def find_source(app: Any, module: str, name: str) -> str | None:
    """Return the module that defines what a package exports."""
    return DEFINED_IN.get(f"{module}.{name.partition('.')[0]}")


def find_by_suffix(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Find what a docstring names without its module, as :meth:`KeyClient.create_config`, and what azure-core has."""
    target = node.get("reftarget", "")
    package = re.match(r"azure\.(core|identity)\.", target)
    if package and node.get("refdomain") == "py" and node.get("reftype") in ("class", "exc", "obj"):
        url = f"https://learn.microsoft.com/python/api/azure-{package[1]}/{target.lower()}"
        return nodes.reference("", "", contnode, internal=False, refuri=url, reftitle=target)
    if node.get("refdomain") != "py" or not target or target.startswith("azure."):
        return None
    domain = env.get_domain("py")
    names = sorted((name for name in domain.objects if name.endswith(f".{target}")), key=lambda name: name.count("."))
    if not names:
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], names[0], node, contnode)


def setup(app: Any) -> None:
    """Prepare the package for being documented."""
    resolve_annotations()
    name_publicly()
    app.connect("autodoc-skip-member", keep_our_own)
    app.connect("missing-reference", find_by_suffix)
    app.connect("viewcode-follow-imported", find_source)
