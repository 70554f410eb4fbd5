"""What every integration in the path of a request shares: reading it, telling of it, estimating what it cost.

``settings`` says how; ``exchange`` follows one request; ``requested`` and ``answered`` read bodies as they
pass; ``telling`` hands request lines on; ``companion`` does in the background what must not be done then.
"""
