"""The command line: words in, words out. The one place where errors become exit codes."""
