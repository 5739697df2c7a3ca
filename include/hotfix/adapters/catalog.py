"""The service catalog as a folder of YAML files, one a service."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from hotfix.domain.errors import InvalidCatalog
from hotfix.domain.service import ServiceProfile


class YamlCatalog:
    """``folder`` holds ``<service>.yaml`` files; files that start with a dot or an underscore are left alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(file.stem for file in self._folder.glob("[!._]*.yaml")))

    def profile(self, name: str) -> ServiceProfile:
        file = self._folder / f"{name}.yaml"
        if name not in self.names():
            known = ", ".join(self.names()) or "none yet"
            raise InvalidCatalog(
                f"There is no service {name!r} in the catalog (known: {known}).", f"Describe it in {file}."
            )
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise InvalidCatalog(f"{file} cannot be read: {error}") from error
        try:
            profile = ServiceProfile.model_validate(content)
        except ValidationError as error:
            problems = "\n".join(
                f"  - {'.'.join(str(part) for part in item['loc']) or 'the file'}: {item['msg']}"
                for item in error.errors()
            )
            raise InvalidCatalog(f"{file} does not describe a service:\n{problems}") from None
        if profile.name != name:
            raise InvalidCatalog(f"{file} says name: {profile.name}, but the file is named {name}.yaml.")
        return profile
