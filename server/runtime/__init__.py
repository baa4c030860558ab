"""The use cases: asynchronous, between HTTP and the store; they carry out the engine's plans."""
