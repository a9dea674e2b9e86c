"""What a sandbox holds, whatever backend makes it: repositories with manifests and a history, releases of a service."""
