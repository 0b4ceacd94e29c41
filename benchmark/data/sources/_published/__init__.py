"""What papers publish about a data set: split rules, how to read lists, origin of the images."""
