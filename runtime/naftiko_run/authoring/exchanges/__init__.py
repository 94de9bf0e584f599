"""Exchange tests: what a caller sends, what the upstream sees and answers, what the caller gets; written in YAML."""
