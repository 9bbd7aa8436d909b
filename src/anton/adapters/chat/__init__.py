"""The Chat port: Slack, and Markdown files."""
