"""Ways in: settings, command line, chat in the browser. Parses, calls, prints; the work is done in the other packages."""
