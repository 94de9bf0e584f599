"""Script steps: their source is read at load, and each run happens in a worker process."""
