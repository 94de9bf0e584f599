"""Files for engines that exist: manifests and proxy configuration written from a compiled capability."""
