"""Many scenarios at once: the sweep file, its cases, and where they run."""
