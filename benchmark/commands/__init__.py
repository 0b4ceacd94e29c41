"""One module a group of commands; each offers `add(commands)`."""
