"""Answers shown to people."""
