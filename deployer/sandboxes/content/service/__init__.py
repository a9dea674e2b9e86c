"""The service that is released in a sandbox. `serve.py` is packed as `bin/serve`: it never runs from here."""
