"""Commands of any kind as flow runs: their processes, what they say, their states, and a worker that runs them."""
