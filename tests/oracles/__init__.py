"""Both engines against closed forms."""
