"""Where it is looked for what happened at a forge."""
