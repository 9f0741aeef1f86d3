"""The folder of a demo: configuration, tokens, exports."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from crosswalk.cli.demo.asking import relationship_form

if TYPE_CHECKING:
    from sandbox.server import Sandbox

VENDORS: Final = ("salesforce", "zoho", "pipedrive", "qualtrics", "typeform")

# What of a vendor's credentials goes into .env, under its name and theirs.
_SECRETS: Final[Mapping[str, tuple[str, ...]]] = {
    "salesforce": ("client_id", "client_secret"),
    "zoho": ("client_id", "client_secret", "refresh_token"),
    "pipedrive": ("client_id", "client_secret", "refresh_token"),
    "qualtrics": ("api_token",),
    "typeform": ("token",),
}


def write_folder(folder: Path, sandbox: "Sandbox") -> int:
    """Configuration, tokens and exports; how many CSV files there are."""
    from sandbox.files import write_exports

    vendors = {vendor.name: vendor for vendor in sandbox.vendors}
    places = {f"{name}_url": vendor.base_url for name, vendor in vendors.items()}
    places |= {f"{name}_token_url": vendor.token_url for name, vendor in vendors.items()}
    places["qualtrics_directory"] = vendors["qualtrics"].credentials["directory"]
    places["typeform_form"] = relationship_form(vendors["typeform"])
    template = Path(__file__).with_name("hub.yaml").read_text("utf-8")
    (folder / "crosswalk.yaml").write_text(Template(template).substitute(places), "utf-8")
    secrets = folder / ".env"
    secrets.touch(0o600)
    held = {
        f"{name}_{secret}".upper(): vendors[name].credentials[secret]
        for name, names in _SECRETS.items()
        for secret in names
    }
    secrets.write_text("".join(f"{name}={value}\n" for name, value in held.items()), "utf-8")
    return len(write_exports(folder / "exports", seed=sandbox.seed, size=sandbox.size))
