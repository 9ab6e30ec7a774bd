"""Small compiled functions on numbers and arrays; they import nothing of ours."""
