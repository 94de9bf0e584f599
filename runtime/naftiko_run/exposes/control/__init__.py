"""``exposes: type: control``: health, status, metrics, traces, logs, configuration and scripting of a running process."""
