"""Everything that can be set: typed, checked, from files, environment and command line."""

from anton.settings.layers import (
    ENVIRONMENT,
    FILE_NAME,
    PACKAGE_SOURCES,
    load_settings,
    package_sources_of_process,
    repository_settings,
    settings_of_process,
)
from anton.settings.model import (
    DEFAULT,
    OF_REPOSITORY,
    AgentLimits,
    PriceSettings,
    RepositorySettings,
    Settings,
    SuiteSettings,
)

__all__ = [
    "DEFAULT",
    "ENVIRONMENT",
    "FILE_NAME",
    "OF_REPOSITORY",
    "PACKAGE_SOURCES",
    "AgentLimits",
    "PriceSettings",
    "RepositorySettings",
    "Settings",
    "SuiteSettings",
    "load_settings",
    "package_sources_of_process",
    "repository_settings",
    "settings_of_process",
]
