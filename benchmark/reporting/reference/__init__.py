"""Reference pages from the specs: protocols of tasks, baselines, data sets. No torch."""
