"""Everything that can be set: typed, checked, from files, environment and command line."""

from anton.settings.layers import (
    ENVIRONMENT,
    FILE_NAME,
    HOOK_VARIABLES,
    PACKAGE_SOURCES,
    hook_environment_of_process,
    load_settings,
    package_sources_of_process,
    repository_settings,
    settings_of_process,
    variables_of_process,
)
from anton.settings.mcp import McpServerSettings
from anton.settings.model import (
    DEFAULT,
    OF_REPOSITORY,
    AgentLimits,
    FallbackSettings,
    HookSettings,
    ModelSettings,
    PriceSettings,
    RepositorySettings,
    Settings,
    SuiteSettings,
)

__all__ = [
    "DEFAULT",
    "ENVIRONMENT",
    "FILE_NAME",
    "HOOK_VARIABLES",
    "OF_REPOSITORY",
    "PACKAGE_SOURCES",
    "AgentLimits",
    "FallbackSettings",
    "HookSettings",
    "McpServerSettings",
    "ModelSettings",
    "PriceSettings",
    "RepositorySettings",
    "Settings",
    "SuiteSettings",
    "hook_environment_of_process",
    "load_settings",
    "package_sources_of_process",
    "repository_settings",
    "settings_of_process",
    "variables_of_process",
]
