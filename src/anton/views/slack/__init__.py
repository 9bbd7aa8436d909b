"""A run in Slack: one message, its thread, and the windows that its buttons open."""
