"""The contract of CodeCarbon's output handlers, as of 1.0 to 3.3: a class to inherit from."""


class BaseOutput:
    """What a tracker calls: out, live_out, task_out, exit."""
