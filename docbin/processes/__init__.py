"""Child processes: one that is held to limits of memory and time (``child``), a pool of them (``pool``), and one for strangers' files (``sandbox``).

Whatever happens in a child - a crash of a decoder, memory without end, a loop - costs the task at hand; the child is replaced and the parent goes
on. :class:`docbin.processes.pool.Pool` exchanges pickles with children that are trusted as this process is; the sandbox exchanges JSON alone.
"""
