"""The server: tickets in by HTTP, runs worked off in the background, decisions and events by HTTP as well."""
