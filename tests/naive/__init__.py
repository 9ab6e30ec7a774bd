"""An independent, naive simulator that judges the project's engines."""
