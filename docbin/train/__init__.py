"""Training: one loop for every network, from a 20-step smoke run to a full one.

A run is a TOML recipe (:mod:`.recipe`), a *task* that owns network, losses and optimizers and knows one training step (:mod:`.task`), crops
that are a pure function of a number (:mod:`.feed`), and a loop that knows only about steps, time, checkpoints and logs (:mod:`.loop`).
"""
