"""The service catalog as a folder of YAML files, one a service."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from hotfix.domain.errors import InvalidCatalog
from hotfix.domain.service import ServiceProfile

# libyaml's reads a profile in a tenth of the time; PyYAML may be built without it.
_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlCatalog:
    """``folder`` holds ``<service>.yaml`` files; files that start with a dot or an underscore are left alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(file.stem for file in self._folder.glob("[!._]*.yaml")))

    def profile(self, name: str) -> ServiceProfile:
        file = self._folder / f"{name}.yaml"
        if "/" in name or name.startswith((".", "_")) or not file.is_file():
            known = ", ".join(self.names()) or "none yet"
            raise InvalidCatalog(
                f"There is no service {name!r} in the catalog (known: {known}).", f"Describe it in {file}."
            )
        try:
            stamp = file.stat()
        except OSError as error:
            raise InvalidCatalog(f"{file} cannot be read: {error}") from error
        return _profile(file, stamp.st_mtime_ns, stamp.st_size, stamp.st_ino)


# An alert is held against every profile, and reading one takes milliseconds.
@lru_cache(maxsize=1000)
def _profile(file: Path, modified: int, size: int, inode: int) -> ServiceProfile:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_SAFE_LOADER)  # noqa: S506  # both are safe
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidCatalog(f"{file} cannot be read: {error}") from error
    try:
        profile = ServiceProfile.model_validate(content)
    except ValidationError as error:
        problems = "\n".join(
            f"  - {'.'.join(str(part) for part in item['loc']) or 'the file'}: {item['msg']}" for item in error.errors()
        )
        raise InvalidCatalog(f"{file} does not describe a service:\n{problems}") from None
    if profile.name != file.stem:
        raise InvalidCatalog(f"{file} says name: {profile.name}, but the file is named {file.name}.")
    return profile
