"""Model classes of the compared methods, a file each."""
