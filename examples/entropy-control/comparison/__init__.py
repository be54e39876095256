"""What `compare` is made of: tables (what to run), runs (running it), measures (arithmetic), results, charts and report."""
